"""Connections between two requests of a client that polls."""

import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from fakes.gateway_process import running_gateway

POLLING_SECONDS = 8.0  # longer than the 5 s after which uvicorn closes an idle connection by default


def test_a_connection_outlives_the_pause_between_two_requests(tmp_path: Path) -> None:
    """A client that polls does not meet a closed connection."""
    with running_gateway(tmp_path) as (_, url):
        connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.connect()
        connection.auto_open = 0  # a closed connection fails the second request instead of being opened again
        for pause in (POLLING_SECONDS, 0):
            connection.request("GET", "/health/live")
            response = connection.getresponse()
            assert response.status == 200
            response.read()
            time.sleep(pause)
        connection.close()
