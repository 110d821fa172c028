"""A TLS proxy with its own certificate for a server without TLS, as stunnel would be."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PIECE_BYTES = 65536


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    openssl = shutil.which("openssl")
    assert openssl is not None, "openssl is needed to make a certificate"
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=edgepress-test"
    subprocess.run(
        [openssl, *options.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key],
        check=True,
        capture_output=True,
    )
    return certificate, key


@contextmanager
def tls_front(certificate: tuple[Path, Path], target_port: int) -> Iterator[int]:
    """Listens with TLS on a port, which is given, and hands on to another of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, target_port), daemon=True).start()
        yield int(listener.getsockname()[1])


def _accept(listener: socket.socket, context: ssl.SSLContext, target_port: int) -> None:
    with suppress(OSError):  # closed: the test is over
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=_serve, args=(raw, context, target_port), daemon=True).start()


def _serve(raw: socket.socket, context: ssl.SSLContext, target_port: int) -> None:
    with (
        suppress(OSError),
        context.wrap_socket(raw, server_side=True) as front,
        socket.create_connection(("127.0.0.1", target_port)) as behind,
    ):
        back = threading.Thread(target=_copy, args=(behind, front), daemon=True)
        back.start()
        _copy(front, behind)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
