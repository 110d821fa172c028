"""A store that is nearly full refuses new jobs and uploads, and continues running ones."""

from pathlib import Path

import pytest

from edgepress_api.storage.free_space import FreeSpace
from edgepress_common.artifacts import FolderStore
from edgepress_common.errors import InsufficientStorageError
from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway
from fakes.zip_beginning import zip_of_bytes


class Filling(FolderStore):
    """A folder on a disk whose free space is set by the test, less what was stored since."""

    left_bytes = 10_000

    def free_bytes(self) -> int | None:
        return self.left_bytes


@pytest.fixture
def store(tmp_path: Path) -> Filling:
    """A disk with some free space."""
    return Filling(tmp_path / "filling")


@pytest.fixture
def gateway(tmp_path: Path, store: Filling) -> GatewayApp:
    """A gateway whose reserve is a kilobyte."""
    gateway = sqlite_gateway(tmp_path)
    free_space = FreeSpace(store, reserve_bytes=1000)
    submission = type(gateway.submission)(
        gateway.database, gateway.submission.fingerprints, gateway.ledger, free_space.require
    )
    gateway.client = gateway.with_adapters(store=store, free_space=free_space, submission=submission)
    return gateway


def test_new_jobs_are_refused_and_running_ones_go_on(gateway: GatewayApp, store: Filling) -> None:
    """The error names the free space and the reserve; a job with a known key is returned, and plans are available."""
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
    """It leaves no bytes in the store."""
    store.left_bytes = 999
    refused = gateway.client.post(
        "/v1/datasets?name=x", content=zip_of_bytes(1004), headers={"Content-Type": "application/zip"}
    )
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
    assert list(store.list_artifacts()) == []
    assert gateway.client.get("/v1/datasets").json()["datasets"] == []


def test_a_disk_that_fills_while_an_upload_comes_in_breaks_it_off(store: Filling) -> None:
    """It stops between two pieces of the upload."""
    pieces = FreeSpace(store, 1000).guarded([b"x" * 5000] * 3)
    for _ in range(2):
        store.left_bytes -= len(next(pieces))
    with pytest.raises(InsufficientStorageError):
        next(pieces)


def test_a_store_of_unknown_size_has_space(tmp_path: Path) -> None:
    """A bucket, for one."""

    class Bucket(FolderStore):
        def free_bytes(self) -> int | None:
            return None

    FreeSpace(Bucket(tmp_path), 1 << 62).require()
