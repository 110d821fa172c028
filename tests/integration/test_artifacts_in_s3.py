"""Gateway, scheduler and worker as they are deployed, with their artifacts in S3."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest

from edgepress_api.one_machine.ports import free_port
from edgepress_common.artifacts.address import S3Address
from fakes.jobs import ANNOUNCEMENT, small_spec
from fakes.s3_server import CREDENTIALS, new_bucket, s3_client

PROGRAMS = ("gateway", "scheduler", "worker")
PATIENCE_SECONDS = 120


@pytest.fixture
def bucket(s3_endpoint: str) -> S3Address:
    """An empty bucket."""
    return new_bucket(s3_endpoint)


@pytest.fixture
def gateway(bucket: S3Address, redis_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    """A gateway, with a scheduler, and a worker that packs but does not train."""
    port = free_port()
    environment = CREDENTIALS | {
        "EDGEPRESS_ARTIFACTS": f"s3://{bucket.bucket}/models?endpoint={bucket.endpoint}",
        "EDGEPRESS_DATABASE_URL": f"sqlite:///{tmp_path}/edgepress.db",
        "EDGEPRESS_REDIS_URL": redis_url,
        "EDGEPRESS_PORT": str(port),
        "EDGEPRESS_REQUIRE_TOKENS": "false",
        "EDGEPRESS_WORKER_QUEUES": '["convert"]',
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    with ExitStack() as running, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for name in PROGRAMS:
            folder = tmp_path / name
            folder.mkdir()
            log = running.enter_context((folder / "log").open("wb"))
            program = str(Path(sys.executable).with_name(f"edgepress-{name}"))
            process = subprocess.Popen([program], cwd=folder, env=os.environ | environment, stderr=log, stdout=log)
            running.callback(_stop, process)
            if name == "gateway":  # it makes the tables that the scheduler looks into
                _wait(lambda: _answers(client), folder)
        yield client


@pytest.mark.slow
def test_what_a_worker_makes_is_fetched_through_the_gateway(
    gateway: httpx.Client, bucket: S3Address, tmp_path: Path
) -> None:
    """Put into the bucket by the one, copied from there by the other, which has no folder in common with it."""
    gateway.post(
        "/v1/devices/pi/lease", content=ANNOUNCEMENT.model_dump_json(), headers={"Content-Type": "application/json"}
    )
    job = gateway.post("/v1/jobs", json=small_spec().model_dump(mode="json")).raise_for_status().json()
    key = next(step["key"] for step in job["pipelines"][0]["steps"] if step["kind"] == "pack")
    _wait(lambda: gateway.get(f"/v1/steps/{key}").json()["state"] == "succeeded", tmp_path / "worker")
    outputs = gateway.get(f"/v1/steps/{key}").json()["outputs"]
    listed = s3_client(bucket).list_objects_v2(Bucket=bucket.bucket, Prefix="models/")
    assert {entry["Key"] for entry in listed["Contents"]} == {
        f"models/{reference['sha256']}" for reference in outputs.values()
    }
    images = outputs["validation_images"]
    fetched = gateway.get(f"/v1/artifacts/{images['sha256']}").raise_for_status().content
    assert np.load(io.BytesIO(fetched)).shape[1:] == (32, 32, 3)
    assert len(fetched) == images["size_bytes"]
    copies = {path.name for path in (tmp_path / "gateway").rglob("*") if path.is_file()}
    assert images["sha256"] in copies
    assert outputs["train_images"]["sha256"] not in copies


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    finally:
        process.kill()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health/live").is_success
    except httpx.TransportError:
        return False


def _wait(condition: Callable[[], object], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.1)
