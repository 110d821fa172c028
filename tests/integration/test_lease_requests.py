"""Lease requests by name: the evaluator's client with the real gateway and with the fake one, which answer alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from edgepress_api.database import StepRow
from edgepress_common.devices import EvaluationLease
from edgepress_common.errors import LeaseLostError, UnavailableError
from edgepress_common.messages import Progress
from edgepress_evaluator.client import GatewayClient
from fakes.gateway import FakeGateway
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.jobs import ANNOUNCEMENT
from fakes.leases import make_lease

MODEL = Path(__file__).parents[1] / "fakes" / "models" / "tiny_int8.tflite"


@dataclass
class Device:
    """A device, and the gateway it asks.

    Attributes:
        client: The device's client.
        lose_answer: Has the next lease given without the answer's getting through.
    """

    client: GatewayClient
    lose_answer: Callable[[], object]

    def ask(self, request: str) -> EvaluationLease | None:
        """Ask for work without waiting for it."""
        return self.client.lease(ANNOUNCEMENT, 0, request)


class _LosingTransport(httpx.BaseTransport):
    """Loses the answer to the next request, if asked to."""

    def __init__(self, app: GatewayApp) -> None:
        self.app, self.loses = app, False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        given = self.app.client.request(request.method, path, content=request.read(), headers=headers)
        if self.loses:
            self.loses = False
            raise httpx.ReadError("the line was cut", request=request)
        return httpx.Response(given.status_code, content=given.content)


@pytest.fixture
def app(tmp_path: Path) -> GatewayApp:
    """A real gateway with evaluations that can begin."""
    app = sqlite_gateway(tmp_path)
    app.submit()
    app.workforce.finish_all_steps()
    return app


@pytest.fixture(params=["real", "fake"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    """A device of each gateway."""
    if request.param == "real":
        transport = _LosingTransport(request.getfixturevalue("app"))
        with httpx.Client(base_url="http://gateway", transport=transport) as http:
            yield Device(GatewayClient(http, "pi4"), lambda: setattr(transport, "loses", True))
        return
    gateway = FakeGateway()
    first = make_lease(MODEL, (MODEL, MODEL))
    gateway.offer(first)
    gateway.offer(first.model_copy(update={"step_key": "6" * 64}))
    with gateway.connection() as http:
        yield Device(GatewayClient(http, "pi4"), lambda: setattr(gateway, "lost_answers", 1))


def test_a_lost_answer_is_given_again_under_the_same_name(device: Device) -> None:
    """Another name is another request."""
    device.lose_answer()
    with pytest.raises(UnavailableError):
        device.ask("r1")

    first, again, other = device.ask("r1"), device.ask("r1"), device.ask("r2")

    assert first is not None
    assert first == again
    assert other is not None
    assert other.step_key != first.step_key


def test_a_withdrawn_request_gets_nothing(device: Device) -> None:
    """Also one that arrives after its withdrawal; withdrawing twice, or what was never asked, succeeds."""
    for _ in range(2):
        device.client.withdraw("r1")

    assert device.ask("r1") is None
    assert device.ask("r2") is not None


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_withdrawn_lease_is_given_back_without_a_failed_attempt(app: GatewayApp, *, is_lost: bool) -> None:
    """Whether the answer was received or not; the next device gets the next attempt, and the lease is lost."""
    transport = _LosingTransport(app)
    with httpx.Client(base_url="http://gateway", transport=transport) as http:
        device = Device(GatewayClient(http, "pi4"), lambda: None)
        transport.loses = is_lost
        try:
            device.ask("r1")
        except UnavailableError:
            assert is_lost
        (step,) = (each for each in _evaluations(app) if each["state"] == "running")

        device.client.withdraw("r1")

        again = GatewayClient(http, "pi5").lease(ANNOUNCEMENT, 0, "r9")
        assert again is not None
        assert (again.step_key, again.attempt) == (step["key"], 2)
        assert _failures(app, again.step_key) == 0
        with pytest.raises(LeaseLostError):
            device.client.renew(again.model_copy(update={"attempt": 1}), Progress(fraction=0.5))
        # The name is spent: it does not touch what the step is leased for now.
        device.client.withdraw("r1")
        assert GatewayClient(http, "pi5").lease(ANNOUNCEMENT, 0, "r9") == again


def test_a_lease_that_has_expired_is_not_given_again(app: GatewayApp) -> None:
    """A device that was offline for longer than its lease gets the next one, and what expired has failed once."""
    with httpx.Client(base_url="http://gateway", transport=_LosingTransport(app)) as http:
        device = Device(GatewayClient(http, "pi4"), lambda: None)
        first = device.ask("r1")
        assert first is not None
        app.now += timedelta(seconds=61)
        with app.database.write() as session:
            app.ledger.expire(session, app.now)

        again = device.ask("r1")

    assert again is not None
    assert (again.step_key, again.attempt) != (first.step_key, 1)
    assert _failures(app, first.step_key) == 1


def _evaluations(app: GatewayApp) -> list[dict[str, str]]:
    (job,) = app.client.get("/v1/jobs").json()["jobs"]
    shown = app.client.get(f"/v1/jobs/{job['id']}").json()
    return [step for pipeline in shown["pipelines"] for step in pipeline["steps"] if step["kind"] == "evaluation"]


def _failures(app: GatewayApp, key: str) -> int:
    with app.database.read() as session:
        return session.get_one(StepRow, key).failures
