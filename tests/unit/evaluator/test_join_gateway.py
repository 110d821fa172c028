"""Checks of the gateway that a board joins."""

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from edgepress_common import __version__
from edgepress_common.answers.caller import Caller
from edgepress_common.answers.devices import DeviceView
from edgepress_common.devices import Announcement
from edgepress_evaluator.join.gateway import GatewayCheck, explain
from fakes.gateway import FakeGateway

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOKEN = "edgepress_3f2a9c41d07e_secret"
MINE, OTHERS = "a" * 32, "b" * 32
CALLER = Caller(user="lab", scopes=("device",), device="pi4", known=None, server_version=__version__)


def known(identity: str | None, *, online: bool) -> DeviceView:
    """The device pi4 as the gateway knows it."""
    announcement = Announcement(
        machine="aarch64", board="Raspberry Pi 4", cores=4, memory_bytes=1, runtime="LiteRT", identity=identity
    )
    return DeviceView(
        name="pi4", online=online, first_seen_at=NOW, last_seen_at=NOW, waiting=0, running=0, announcement=announcement
    )


@pytest.fixture
def gateway() -> FakeGateway:
    gateway = FakeGateway(token=TOKEN)
    gateway.caller = CALLER
    gateway.date = NOW
    return gateway


def checked(
    gateway: FakeGateway | Callable[[httpx.Request], httpx.Response],
    *,
    token: str = TOKEN,
    device: str | None = None,
    identity: str | None = None,
    url: str = "https://gateway",
) -> tuple[GatewayCheck, list[tuple[str, str]]]:
    """The check, and its findings as level and text."""
    handle = gateway.handle if isinstance(gateway, FakeGateway) else gateway

    def opened(shown: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        return httpx.Client(base_url=url, headers=headers, transport=httpx.MockTransport(handle))

    check = GatewayCheck(httpx.URL(url), opened, device=device, identity=identity, clock=lambda: NOW)
    return check, [(finding.level, finding.text) for finding in check.run(token)]


def test_the_device_is_the_one_that_the_token_is_for(gateway: FakeGateway) -> None:
    """Its name need not be given."""
    check, findings = checked(gateway)
    assert check.device == "pi4"
    assert findings == [
        ("ok", "https://gateway answers"),
        ("ok", f"the token is for the device 'pi4'; Edgepress {__version__}"),
    ]


def test_a_token_of_another_device_is_refused(gateway: FakeGateway) -> None:
    """Both names are in the message."""
    _, findings = checked(gateway, device="pi5")
    level, text = findings[-1]
    assert level == "problem"
    assert text.startswith("the token is for the device 'pi4', not for 'pi5'")


def test_a_token_of_a_user_is_refused(gateway: FakeGateway) -> None:
    """A board would have all rights of the user."""
    gateway.caller = CALLER.model_copy(update={"device": None, "scopes": ("read", "submit")})
    level, text = checked(gateway)[1][-1]
    assert (level, text.startswith("the token is not for a device; it permits: read, submit.")) == ("problem", True)


def test_an_unknown_token_is_not_repeated(gateway: FakeGateway) -> None:
    """The message says what can be wrong, and how to create one."""
    level, text = checked(gateway, token="edgepress_wrong_wrong")[1][-1]
    assert (level, "wrong" in text) == ("problem", False)
    assert "edgepress tokens create" in text


@pytest.mark.parametrize(("seconds", "said"), [(-3 * 3600, "3 hours behind"), (40 * 86400, "40 days ahead of")])
def test_a_wrong_clock_is_a_warning(gateway: FakeGateway, seconds: int, said: str) -> None:
    """The board can join all the same: no lease depends on its clock."""
    gateway.date = NOW - timedelta(seconds=seconds)
    warnings = [text for level, text in checked(gateway)[1] if level == "warning"]
    assert [said in text for text in warnings] == [True], warnings
    gateway.date = NOW - timedelta(seconds=30)
    assert "warning" not in dict(checked(gateway)[1])
    gateway.date = None
    assert "warning" not in dict(checked(gateway)[1])


def test_an_earlier_release_can_not_say_what_the_token_is_for(gateway: FakeGateway) -> None:
    """The board joins by the name that it is given."""
    gateway.caller = None
    check, findings = checked(gateway, device="pi5")
    assert (findings[-1][0], check.device) == ("warning", "pi5")


def test_another_version_is_a_warning(gateway: FakeGateway) -> None:
    """Neighbouring versions work together."""
    gateway.caller = CALLER.model_copy(update={"server_version": "9.9.9"})
    assert [level for level, _ in checked(gateway)[1]] == ["ok", "ok", "warning"]


@pytest.mark.parametrize(
    ("device", "expected"),
    [(known(OTHERS, online=True), 1), (known(OTHERS, online=False), 0), (known(MINE, online=True), 0),
     (known(None, online=True), 0), (None, 0)],
)  # fmt: skip
def test_another_board_of_the_name_is_a_warning(gateway: FakeGateway, device: DeviceView | None, expected: int) -> None:
    """It may be this one before it was installed again, which takes the name over when the old one is offline."""
    gateway.caller = CALLER.model_copy(update={"known": device})
    warnings = [text for level, text in checked(gateway, identity=MINE)[1] if level == "warning"]
    assert len(warnings) == expected
    assert all("another device that is called 'pi4' is online (Raspberry Pi 4)" in text for text in warnings)


def test_a_token_over_http_is_a_warning(gateway: FakeGateway) -> None:
    """Except on this machine."""
    assert [level for level, _ in checked(gateway, url="http://server:8000")[1]] == ["ok", "warning", "ok"]
    assert [level for level, _ in checked(gateway, url="http://127.0.0.1:8000")[1]] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, text="<html>"), "is not an Edgepress gateway: it answers with status 200 (text/plain"),
        (httpx.Response(404, json={}), "is not an Edgepress gateway: it answers with status 404"),
        (httpx.Response(301, headers={"Location": "https://other/"}), "not at https://gateway, but at https://other/"),
        (httpx.Response(502, text="bad gateway"), "answers with status 502: a proxy is reached"),
    ],
)
def test_the_token_is_not_sent_to_another_server(answer: httpx.Response, said: str) -> None:
    """The first request has none, and there is no second one."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer

    ((level, text),) = checked(handle)[1]
    assert (level, said in text) == ("problem", True), text
    assert ["authorization" in request.headers for request in seen] == [False]


def _certificate_error(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (socket.gaierror(-2, "Name or service not known"), "the name 'gateway' can't be resolved (Name or service"),
        (
            ConnectionRefusedError(111, "Connection refused"),
            "gateway:443 refuses connections: no program listens there",
        ),
        (OSError(101, "Network is unreachable"), "can't be reached: Network is unreachable. Check the network"),
        (_certificate_error(9, "not yet valid"), "is not valid yet by the clock of this board, which says 2026-05-01"),
        (_certificate_error(10, "expired"), "has expired by the clock of this board, which says 2026-05-01 12:00 UTC"),
        (
            _certificate_error(18, "self-signed certificate"),
            "by an authority that this board does not know (self-signed",
        ),
        (_certificate_error(62, "Hostname mismatch"), "Hostname mismatch. Use the name in the certificate"),
        (_certificate_error(23, "certificate revoked"), "can't be verified: certificate revoked"),
    ],
)
def test_a_gateway_that_is_not_reached_is_explained(cause: OSError, said: str) -> None:
    """The first cause of the error decides, which the HTTP library wraps twice."""
    error = httpx.ConnectError("wrapped", request=httpx.Request("GET", "https://gateway"))
    error.__cause__ = RuntimeError("wrapped once")
    error.__cause__.__cause__ = cause
    assert said in explain(error, httpx.URL("https://gateway"), NOW)


def test_a_gateway_that_does_not_answer_is_explained() -> None:
    """An error without a known cause is quoted."""
    url = httpx.URL("http://gateway:8000")
    assert "gateway:8000 does not answer in time" in explain(httpx.ConnectTimeout("timed out"), url, NOW)
    assert explain(httpx.ReadError("odd"), url, NOW) == "gateway:8000 can't be reached: odd"
