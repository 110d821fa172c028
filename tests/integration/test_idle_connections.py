"""Connections between two requests of a client that polls."""

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from fakes.gateway_process import running_gateway

POLLING_SECONDS = 8.0  # longer than the 5 s after which uvicorn closes an idle connection by default


def test_a_connection_outlives_the_pause_between_two_requests(tmp_path: Path) -> None:
    """A client that polls does not meet a closed connection."""
    with running_gateway(tmp_path) as (_, url):
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            request = f"GET /health/live HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
            for pause in (POLLING_SECONDS, 0):
                connection.sendall(request)
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
                time.sleep(pause)
