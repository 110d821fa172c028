"""A board joins a real gateway, and real certificates, names and ports that are wrong are explained."""

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edgepress_api.access.tokens import create_token
from edgepress_api.database import Database
from edgepress_api.one_machine.ports import free_port
from edgepress_common.answers.devices import DeviceList
from edgepress_common.answers.users import Scope
from edgepress_evaluator.client import connect
from edgepress_evaluator.join.gateway import GatewayCheck
from fakes.gateway_process import running_gateway

PATIENCE_SECONDS = 60
TOKEN = "edgepress_3f2a9c41d07e_secret"
NOW = datetime.now(UTC)


def make_pem(folder: Path, *, begins: datetime, ends: datetime, address: str = "127.0.0.1") -> Path:
    """A file with a certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "gateway.pem"
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password)
    file.write_bytes(certificate.public_bytes(encoding) + private)
    return file


class Gateway(BaseHTTPRequestHandler):
    """A handler of the first request of a check."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health/live" else 404)
        self.end_headers()
        self.wfile.write(b'{"status":"ok"}')

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name for it
        """Log nothing."""


@contextmanager
def served(pem: Path | None) -> Iterator[int]:
    """A server with TLS, or without it; its port."""
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        if pem is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def checked(url: str, authority: Path | None = None) -> list[tuple[str, str]]:
    """The findings of a check, as level and text."""

    def opened(token: str | None) -> httpx.Client:
        return connect(url, token, authority)

    return [(finding.level, finding.text) for finding in GatewayCheck(httpx.URL(url), opened).run(TOKEN)]


@pytest.mark.parametrize(
    ("begins", "ends", "address", "is_trusted", "said"),
    [
        (-1, 1, "127.0.0.1", False, "is signed by an authority that this board does not know"),
        (1, 2, "127.0.0.1", True, "is not valid yet by the clock of this board, which says 2"),
        (-2, -1, "127.0.0.1", True, "has expired by the clock of this board, which says 2"),
        (-1, 1, "127.0.0.2", True, "Use the name in the certificate as the gateway's address"),
    ],
)
def test_a_certificate_that_can_not_be_verified_is_explained(
    tmp_path: Path, begins: int, ends: int, address: str, said: str, *, is_trusted: bool
) -> None:
    """Another authority, a wrong clock, or another name. The token is not sent."""
    day = timedelta(days=1)
    pem = make_pem(tmp_path, begins=NOW + begins * day, ends=NOW + ends * day, address=address)
    with served(pem) as port:
        ((level, text),) = checked(f"https://127.0.0.1:{port}", pem if is_trusted else None)
    assert (level, said in text) == ("problem", True), text


def test_a_gateway_with_a_certificate_of_its_own_is_trusted_by_its_file(tmp_path: Path) -> None:
    """`--authority` names it."""
    pem = make_pem(tmp_path, begins=NOW - timedelta(days=1), ends=NOW + timedelta(days=1))
    with served(pem) as port:
        assert checked(f"https://127.0.0.1:{port}", pem)[0] == ("ok", f"https://127.0.0.1:{port} answers")


def test_https_and_http_are_told_apart(tmp_path: Path) -> None:
    """The message has the address to use."""
    pem = make_pem(tmp_path, begins=NOW - timedelta(days=1), ends=NOW + timedelta(days=1))
    with served(pem) as tls, served(None) as plain:
        assert f"use http://127.0.0.1:{plain}" in checked(f"https://127.0.0.1:{plain}")[0][1]
        assert f"use https://127.0.0.1:{tls}" in checked(f"http://127.0.0.1:{tls}")[0][1]


def test_a_port_without_a_server_is_explained() -> None:
    """With the setting that publishes the gateway."""
    assert "EDGEPRESS_BIND=0.0.0.0" in checked(f"http://127.0.0.1:{free_port()}")[0][1]


def test_a_name_that_does_not_exist_is_explained() -> None:
    """The top-level domain is reserved for this, see RFC 2606."""
    ((level, text),) = checked("http://gateway.invalid:8000")
    assert (level, text.startswith("the name 'gateway.invalid' can't be resolved")) == ("problem", True)


@contextmanager
def joining(home: Path, *arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """The command, as a process."""
    variables = {
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "EDGEPRESS_EVALUATOR_SETTINGS": str(home / "evaluator.json"),
        **environment,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "edgepress_evaluator.main", "join", *arguments],
        env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_board_joins_and_is_online(tmp_path: Path) -> None:
    """The token is in neither output, nor in the arguments of the process that stays; a second board is warned."""
    with running_gateway(tmp_path, EDGEPRESS_REQUIRE_TOKENS="true") as (_, address):
        token, reader = (_token(tmp_path, *each) for each in (("device", "pi4"), ("read", None)))
        with joining(tmp_path / "first", address, token) as board:
            _wait_until_online(address, reader)
            arguments = Path(f"/proc/{board.pid}/cmdline").read_text()
            assert ("\0join\0" in arguments, token in arguments) == (False, False)
            with joining(tmp_path / "second", address, token, "--check") as other:
                said, _ = other.communicate(timeout=PATIENCE_SECONDS)
            assert "warning  another device that is called 'pi4' is online" in said
            assert other.returncode == 0
            board.send_signal(signal.SIGTERM)
            said, _ = board.communicate(timeout=PATIENCE_SECONDS)
        assert board.returncode == 0
        assert "the token is for the device 'pi4'" in said
        assert token not in said


def _token(folder: Path, scope: Scope, device: str | None) -> str:
    database = Database(f"sqlite:///{folder}/edgepress.db")
    with database.write() as session:
        return create_token(session, NOW, user="lab", scopes=[scope], device=device).text


def _wait_until_online(address: str, reader: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with connect(address, reader) as http:
        while time.monotonic() < deadline:
            found = DeviceList.model_validate_json(http.get("/v1/devices").content).devices
            if [device.name for device in found if device.online] == ["pi4"]:
                return
            time.sleep(0.1)
    pytest.fail("the board was not online in time")
