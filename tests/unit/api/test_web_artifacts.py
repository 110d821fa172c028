"""Artifacts over HTTP: whole, in part, and not at all."""

import hashlib
from pathlib import Path

import pytest

from fakes.gateway_app import GatewayApp, sqlite_gateway

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway that has one artifact."""
    gateway = sqlite_gateway(tmp_path)
    gateway.store.put_bytes(CONTENT)
    return gateway


PATH = f"/v1/artifacts/{hashlib.sha256(CONTENT).hexdigest()}"


def test_an_artifact_is_given_whole_to_be_kept(gateway: GatewayApp) -> None:
    """Its name is its ETag, and it never changes."""
    response = gateway.client.get(PATH)
    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["etag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-disposition"] == "attachment"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_head_tells_its_size(gateway: GatewayApp) -> None:
    """No content is sent."""
    response = gateway.client.head(PATH)
    assert (response.status_code, response.headers["content-length"], response.content) == (200, "1024", b"")


@pytest.mark.parametrize(
    ("asked", "given"),
    [("bytes=0-9", slice(0, 10)), ("bytes=1000-", slice(1000, None)), ("bytes=-24", slice(-24, None)),
     ("bytes=1023-5000", slice(1023, None)), ("bytes=-5000", slice(None))],
)  # fmt: skip
def test_a_part_is_given(gateway: GatewayApp, asked: str, given: slice) -> None:
    """So that a download that was cut can go on."""
    response = gateway.client.get(PATH, headers={"Range": asked})
    assert (response.status_code, response.content) == (206, CONTENT[given])
    assert response.headers["content-range"].endswith("/1024")


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_bytes_that_are_not_there_are_a_problem(gateway: GatewayApp, asked: str) -> None:
    """Which says how many there are."""
    response = gateway.client.get(PATH, headers={"Range": asked})
    assert (response.status_code, response.json()["type"]) == (416, "/problems/range-not-satisfiable")
    assert response.headers["content-range"] == "bytes */1024"


@pytest.mark.parametrize(
    "asked", ["bytes=9-5", "bytes=-", "bytes=a-b", "lines=1-2", "bytes", "bytes=0-1,5-6", f"bytes={'9' * 5000}-"]
)
def test_a_range_that_makes_no_sense_is_ignored(gateway: GatewayApp, asked: str) -> None:
    """RFC 9110 specifies this."""
    response = gateway.client.get(PATH, headers={"Range": asked})
    assert (response.status_code, response.content) == (200, CONTENT)


def test_a_client_with_the_current_etag_gets_304(gateway: GatewayApp) -> None:
    """The ETag may be weak or in a list; another ETag gets the bytes."""
    tag = gateway.client.get(PATH).headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        response = gateway.client.get(PATH, headers={"If-None-Match": known})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
    assert gateway.client.get(PATH, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize("name", ["0" * 64, "x", "..%2f..%2fedgepress.db", "A" * 64])
def test_only_what_the_store_has_is_given(gateway: GatewayApp, name: str) -> None:
    """No name leads out of it."""
    for method in ("GET", "HEAD"):
        assert gateway.client.request(method, f"/v1/artifacts/{name}").status_code == 404


def test_an_artifact_that_was_damaged_is_never_given(gateway: GatewayApp, tmp_path: Path) -> None:
    """The server says that the fault is its own, and no more."""
    place = next(path for path in (tmp_path / "artifacts").rglob("*") if path.is_file())
    place.chmod(0o644)
    place.write_bytes(b"?" * 1024)
    response = gateway.client.get(PATH)
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal")
    assert str(tmp_path) not in response.text
