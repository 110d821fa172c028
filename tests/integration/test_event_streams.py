"""Event streams of a gateway as a process: how many one user may have, and how long they last."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from edgepress_api.access.principal import Principal
from edgepress_api.access.tokens import revoke_token
from edgepress_api.database import Database
from edgepress_api.web.routes.events import MOST_STREAMS
from fakes.gateway_app import GatewayApp
from fakes.gateway_process import running_gateway
from fakes.jobs import small_spec


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[GatewayApp, httpx.Client]]:
    """A gateway that requires tokens, its database from inside, and a client without one."""
    with running_gateway(tmp_path, EDGEPRESS_REQUIRE_TOKENS="true") as (_, url):
        limits = httpx.Limits(max_connections=2 * MOST_STREAMS)
        with httpx.Client(base_url=url, timeout=30, limits=limits, trust_env=False) as client:
            yield GatewayApp(Database(f"sqlite:///{tmp_path}/edgepress.db"), tmp_path), client


def _job_of(gateway: GatewayApp, user: str) -> tuple[str, dict[str, str]]:
    by = Principal(user=user, scopes=frozenset({"submit"}))
    job_id = gateway.submission.submit(small_spec(name=user), gateway.now, by=by)
    return f"/v1/jobs/{job_id}/events", {"Authorization": f"Bearer {gateway.token(user, 'read')}"}


def test_streams_are_limited_for_each_user(served: tuple[GatewayApp, httpx.Client]) -> None:
    """One too many is refused; another user has their own; a place that is left can be taken again."""
    gateway, client = served
    path, headers = _job_of(gateway, "anna")
    with ExitStack() as held:
        for _ in range(MOST_STREAMS):
            stream = held.enter_context(client.stream("GET", path, headers=headers))
            assert stream.status_code == 200
        refused = client.get(path, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-streams")
        others_path, others_headers = _job_of(gateway, "ben")
        with client.stream("GET", others_path, headers=others_headers) as other:
            assert other.status_code == 200
    for _ in range(100):  # the gateway notices at its next look that the streams were closed
        with client.stream("GET", path, headers=headers) as again:
            if again.status_code == 200:
                return
    pytest.fail("no place was given back")


def test_a_stream_ends_when_its_token_is_revoked(served: tuple[GatewayApp, httpx.Client]) -> None:
    """Though its job goes on."""
    gateway, client = served
    path, headers = _job_of(gateway, "anna")
    with client.stream("GET", path, headers=headers, timeout=30) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        with gateway.database.write() as session:
            revoke_token(session, headers["Authorization"].split("_")[1], gateway.now)
        assert not any("succeeded" in line for line in lines)
    assert client.get(path, headers=headers).status_code == 401
