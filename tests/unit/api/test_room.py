"""A store that is nearly full refuses what is new, and lets go on what is under way."""

from pathlib import Path

import pytest

from edgepress_api.room import Room
from edgepress_common.artifacts import FolderStore
from edgepress_common.errors import NoRoomError
from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway


class Filling(FolderStore):
    """A folder on a disk that holds so much more than was put through it."""

    left_bytes = 10_000

    def free_bytes(self) -> int | None:
        return self.left_bytes


@pytest.fixture
def store(tmp_path: Path) -> Filling:
    """A disk with some room."""
    return Filling(tmp_path / "filling")


@pytest.fixture
def gateway(tmp_path: Path, store: Filling) -> GatewayApp:
    """A gateway whose reserve is a kilobyte."""
    gateway = sqlite_gateway(tmp_path)
    room = Room(store, reserve_bytes=1000)
    submission = type(gateway.submission)(
        gateway.database, gateway.submission.fingerprints, gateway.ledger, room.require
    )
    gateway.client = gateway.with_adapters(store=store, room=room, submission=submission)
    return gateway


def test_new_jobs_are_refused_and_running_ones_go_on(gateway: GatewayApp, store: Filling) -> None:
    """With what is left, and from where on they are accepted again; asking what a job would do is no new job."""
    first = gateway.client.post("/v1/jobs", content=spec_json(), headers=JSON | {"Idempotency-Key": "k"})
    assert first.status_code == 202
    store.left_bytes = 999
    refused = gateway.client.post("/v1/jobs", content=spec_json(name="second"), headers=JSON)
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
    assert "has 999 bytes left" in refused.json()["detail"]
    assert "below 1000 (EDGEPRESS_RESERVE_BYTES)" in refused.json()["detail"]
    assert refused.headers["Retry-After"]
    assert [job["name"] for job in gateway.client.get("/v1/jobs").json()["jobs"]] == ["digits"]
    again = gateway.client.post("/v1/jobs", content=spec_json(), headers=JSON | {"Idempotency-Key": "k"})
    assert again.json()["id"] == first.json()["id"]
    assert gateway.client.post("/v1/jobs?validate_only=true", content=spec_json(), headers=JSON).status_code == 200
    gateway.workforce.work_until_nothing_is_left()
    assert gateway.client.get(f"/v1/jobs/{first.json()['id']}").json()["state"] == "succeeded"
    store.left_bytes = 1000
    assert gateway.client.post("/v1/jobs", content=spec_json(name="third"), headers=JSON).status_code == 202


def test_an_upload_stops_at_the_reserve(gateway: GatewayApp, store: Filling) -> None:
    """And leaves nothing behind."""
    store.left_bytes = 999
    refused = gateway.client.post(
        "/v1/datasets?name=x", content=b"PK\x03\x04" + b"x" * 1000, headers={"Content-Type": "application/zip"}
    )
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
    assert list(store.list_artifacts()) == []
    assert gateway.client.get("/v1/datasets").json()["datasets"] == []


def test_a_disk_that_fills_while_an_upload_comes_in_breaks_it_off(store: Filling) -> None:
    """Between two pieces of it."""
    pieces = Room(store, 1000).guarded([b"x" * 5000] * 3)
    for _ in range(2):
        store.left_bytes -= len(next(pieces))
    with pytest.raises(NoRoomError):
        next(pieces)


def test_a_store_that_does_not_tell_has_room(tmp_path: Path) -> None:
    """A bucket, for one."""

    class Bucket(FolderStore):
        def free_bytes(self) -> int | None:
            return None

    Room(Bucket(tmp_path), 1 << 62).require()
