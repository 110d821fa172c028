"""A reverse proxy on the same machine that names no client, as nginx with `proxy_pass` alone."""

import json
from collections.abc import Iterator

import httpx
import pytest

from fakes.gateway_process import running_gateway
from fakes.jobs import ANNOUNCEMENT, small_spec
from fakes.prefix_proxy import prefix_proxy

_TOKEN = "0" * 64


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a gateway as `edgepress up` runs it, behind such a proxy."""
    settings = {"EDGEPRESS_REQUIRE_TOKENS": "true", "EDGEPRESS_LOCAL_TOKEN": _TOKEN}
    folder = tmp_path_factory.mktemp("gateway")
    with running_gateway(folder, **settings) as (_, url), prefix_proxy(url, "/edgepress", says_so=False) as address:
        yield address


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/jobs", None),
        ("GET", "/v1/devices", None),
        ("GET", "/metrics", None),
        ("GET", "/health/ready", None),
        ("GET", "/openapi.json", None),
        ("POST", "/v1/jobs", json.loads(small_spec().model_dump_json())),
        ("POST", "/v1/devices/pi/lease", json.loads(ANNOUNCEMENT.model_dump_json())),
    ],
)
def test_a_client_outside_is_not_taken_for_the_machine_itself(
    outside: str, method: str, path: str, body: object
) -> None:
    """Without a token, every answer is 401."""
    assert httpx.request(method, f"{outside}{path}", json=body, trust_env=False).status_code == 401


def test_a_token_works_through_it(outside: str) -> None:
    """A request with a token is answered, and one with another token refused."""
    for token, status in ((_TOKEN, 200), (_TOKEN[:-1] + "1", 401), ("x", 401)):
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{outside}/v1/jobs", headers=headers, trust_env=False).status_code == status
