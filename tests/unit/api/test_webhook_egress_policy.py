"""Egress policy of webhooks: real sockets on this machine, host names of the tests."""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

import pytest

from conftest import free_port
from edgepress_api.webhooks.egress_policy import LookUp, Network, may_be_reached
from edgepress_api.webhooks.posting import GuardedPoster, NotTakenError
from fakes.listener import Listener, listening

LOOPBACK: list[Network] = [ipaddress.ip_network("127.0.0.1/32")]


def leading_to(*addresses: str) -> LookUp:
    """Names that all lead there."""

    def look_up(host: str, port: int) -> Iterable[str]:
        return addresses

    return look_up


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1",
        "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
        "fec0::1", "feff::1",
    ],
)  # fmt: skip
def test_addresses_of_machine_and_network_are_closed(address: str) -> None:
    """However they are written: as an IPv6 address that stands for one of IPv4, too."""
    assert not may_be_reached(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_open(address: str) -> None:
    """They need no setting."""
    assert may_be_reached(ipaddress.ip_address(address), ())


def test_a_network_that_is_allowed_is_open_and_no_more() -> None:
    """This includes IPv6 addresses that map to one of it."""
    allowed = [ipaddress.ip_network("10.1.0.0/16")]
    opened = [
        may_be_reached(ipaddress.ip_address(text), allowed) for text in ("10.1.2.3", "::ffff:10.1.2.3", "10.2.0.1")
    ]
    assert opened == [True, True, False]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "127.1"])
def test_no_name_of_this_machine_is_allowed(host: str) -> None:
    """Names and spellings that the system takes for loopback."""
    with listening(Listener()) as listener:
        with pytest.raises(NotTakenError):
            GuardedPoster(()).post(f"http://{host}:{listener.port}/", {}, b"{}")
        assert listener.heard == []


def test_a_delivery_arrives_at_an_allowed_address() -> None:
    """The request has the requested host name, for any address."""
    with listening(Listener()) as listener:
        poster = GuardedPoster(LOOPBACK, look_up=leading_to("127.0.0.1"))
        assert poster.post(f"http://hook.example:{listener.port}/jobs?x=1", {"webhook-id": "w"}, b"{}") == 204
    ((headers, body),) = listener.heard
    assert (headers["host"], headers["webhook-id"], body) == (f"hook.example:{listener.port}", "w", b"{}")


def test_the_address_that_was_judged_is_the_one_connected_to() -> None:
    """A name that resolves to another address the next time has no effect: it is resolved only once."""
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]]
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Iterable[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    port = free_port()
    with listening(Listener(), port=port) as judged, listening(Listener(), "127.0.0.2", port) as elsewhere:
        poster = GuardedPoster(LOOPBACK, look_up=rebinding)
        assert poster.post(f"http://hook.example:{port}/", {}, b"1") == 204
        assert asked == ["hook.example"]
        with pytest.raises(NotTakenError, match=r"leads to 127\.0\.0\.2, which is not of the internet"):
            poster.post(f"http://hook.example:{port}/", {}, b"2")
    assert ([body for _, body in judged.heard], elsewhere.heard) == ([b"1"], [])


def test_one_closed_address_among_open_ones_is_enough() -> None:
    """Which of them would be taken is not left to chance."""
    poster = GuardedPoster((), look_up=leading_to("93.184.216.34", "127.0.0.1"))
    with pytest.raises(NotTakenError, match=r"leads to 127\.0\.0\.1"):
        poster.post("http://hook.example/", {}, b"{}")


def test_a_redirect_is_not_followed() -> None:
    """A redirect is not followed even to an allowed address."""
    with listening(Listener()) as target:
        redirecting = Listener(status=307, location=f"http://127.0.0.1:{target.port}/")
        with listening(redirecting), pytest.raises(NotTakenError, match="307, a redirect, which is not followed"):
            GuardedPoster(LOOPBACK).post(f"http://127.0.0.1:{redirecting.port}/", {}, b"{}")
    assert (len(redirecting.heard), target.heard) == (1, [])


@pytest.mark.parametrize("proxy", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_no_proxy_is_asked_to_go_there_instead(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A proxy would resolve the name itself."""
    with listening(Listener()) as listener:
        monkeypatch.setenv(proxy, f"http://127.0.0.1:{listener.port}")
        with pytest.raises(NotTakenError):
            GuardedPoster(LOOPBACK).post("http://127.0.0.2/", {}, b"{}")
    assert listener.heard == []


@pytest.mark.parametrize(
    ("status", "words"), [(400, "answered with 400"), (500, "answered with 500"), (410, "answered with 410")]
)
def test_an_unsuccessful_status_is_the_reason(status: int, words: str) -> None:
    """The job shows this reason."""
    with listening(Listener(status=status)) as listener, pytest.raises(NotTakenError, match=words):
        GuardedPoster(LOOPBACK).post(f"http://127.0.0.1:{listener.port}/", {}, b"{}")


def test_an_unreachable_server_is_the_reason() -> None:
    """Examples are a closed port and an unknown host name."""
    poster = GuardedPoster(LOOPBACK)
    for url in (f"http://127.0.0.1:{free_port()}/", "http://nowhere.invalid/"):
        with pytest.raises(NotTakenError, match="ConnectError"):
            poster.post(url, {}, b"{}")


def test_a_receiver_that_drips_is_left_after_a_while() -> None:
    """However short its pauses are: a thread waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n")
                    for number in range(100):
                        connection.sendall(f"x-{number}: 1\r\n".encode())
                        time.sleep(0.1)

        thread = threading.Thread(target=drip)
        thread.start()
        poster = GuardedPoster(LOOPBACK, look_up=leading_to("127.0.0.1"), longest_seconds=0.5)
        start = time.monotonic()
        with pytest.raises(NotTakenError):
            poster.post(f"http://hook.example:{server.getsockname()[1]}/", {}, b"{}")
        assert time.monotonic() - start < 5
        thread.join()
