"""A PostgreSQL that is paused: requests are refused within seconds, and served again when it goes on."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from fakes.gateway_app import GatewayApp
from fakes.postgres_server import PostgresServer, postgres_programs

_SECONDS = 10  # a ping and a new connection, with time to spare on a busy machine


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A real server."""
    if postgres_programs() is None:
        pytest.skip("there is no PostgreSQL for this machine")
    (tmp_path / "postgres").mkdir()
    with PostgresServer.in_folder(tmp_path / "postgres") as running:
        yield running


@pytest.mark.slow
def test_a_paused_database_is_unavailable_within_seconds(server: PostgresServer, tmp_path: Path) -> None:
    """Every route says so, whether its connection was open before or not; and all is well again afterwards."""
    database = Database(server.url)
    migrate(database)
    gateway = GatewayApp(database, tmp_path)

    def answers() -> list[tuple[int, bool]]:
        found = []
        for path in ("/v1/jobs", "/health/ready", "/v1/jobs"):
            start = time.monotonic()
            answer: httpx.Response = gateway.client.get(path)
            found.append((answer.status_code, time.monotonic() - start < _SECONDS))
        return found

    assert answers() == [(200, True)] * 3
    with server.paused():
        assert answers() == [(503, True)] * 3
    assert answers() == [(200, True)] * 3
    database.close()
