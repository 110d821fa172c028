"""Current programs with those of release 0.1.0, whose real code runs in separate processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from edgepress_api.database import Database, StepRow
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.scheduler.broker import Outbox, RedisInbox
from edgepress_api.scheduler.dispatch import choose_steps
from edgepress_api.scheduler.intake import consume_events
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_common.messages import RunStep
from fakes.earlier_release import earlier_release
from fakes.jobs import ANNOUNCEMENT, Workforce, evaluation_result, small_spec

PATIENCE_SECONDS = 120
WORKER = "from edgepress_worker.main import main; main()"
# Reads lines of a type's module and name and a message, and answers with what it has understood.
PARSE = """
import importlib, json, sys
from pydantic import TypeAdapter
for line in sys.stdin:
    module, name, message = json.loads(line)
    type_ = TypeAdapter(getattr(importlib.import_module(module), name))
    print(json.dumps(type_.dump_python(type_.validate_python(message), mode="json")))
"""


@pytest.fixture(scope="module")
def old_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The PYTHONPATH of release 0.1.0."""
    return earlier_release(tmp_path_factory.mktemp("release"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database of today."""
    database = Database(f"sqlite:///{tmp_path}/edgepress.db")
    migrate(database)
    yield database
    database.close()


def ledger() -> Ledger:
    """A ledger with rules for impatient tests."""
    return Ledger(Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=3))


def understood_by(old_path: str, messages: list[tuple[str, str, object]]) -> list[object]:
    """Return what the old code understands of messages, each with its type; fails where it refuses one."""
    lines = "\n".join(json.dumps(message) for message in messages)
    environment = os.environ | {"PYTHONPATH": old_path}
    done = subprocess.run(
        [sys.executable, "-c", PARSE], input=lines, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_old_worker_understands_what_the_scheduler_sends(old_path: str, database: Database) -> None:
    """Steps of all kinds, read as they were sent. It refuses those that it would train without estimated statistics."""
    kinds = [{"kind": kind} for kind in ("prune", "cluster", "quantize_aware")]
    spec = small_spec(
        pipelines=[
            {"name": "a", "stages": kinds, "exports": ["float32", "int8"]},
            {
                "name": "b",
                "stages": [{"kind": "train"}, {"kind": "distill", "student": {"architecture": "mobilenet_v2"}}],
                "exports": ["float16", "dynamic", "int16x8"],
            },
        ]
    )
    now = datetime.now(UTC)
    workforce = Workforce(database, ledger(), now)
    workforce.announce()
    Submission(database, Fingerprints(roots=()), ledger()).submit(spec, now)
    workforce.work_until_nothing_is_left()

    sent = [step.model_dump(mode="json") for step in workforce.sent]
    assert {step["parameters"]["kind"] for step in sent} == {"pack", "stage", "export"}
    new = [step for step in sent if "batch_norm_statistics" in step["parameters"].get("training", {})]
    assert [step["parameters"]["stage"]["kind"] for step in new] == ["prune", "cluster", "quantize_aware"]
    old = [step for step in sent if step not in new]
    assert understood_by(old_path, [("edgepress_common.messages", "RunStep", step) for step in old]) == old
    for step in new:
        with pytest.raises(AssertionError, match=r"batch_norm_statistics\s+Extra inputs are not permitted"):
            understood_by(old_path, [("edgepress_common.messages", "RunStep", step)])


def test_an_old_gateway_understands_what_an_evaluator_posts(old_path: str) -> None:
    """The bodies of lease, renew, finish and fail, by the types that the old gateway validates them with."""
    progress = {"fraction": 0.5, "message": "latency"}
    failure = {"code": "artifact_corrupt", "message": "other bytes", "retryable": True}
    understood_by(
        old_path,
        [
            ("edgepress_common.devices", "Announcement", ANNOUNCEMENT.model_dump(mode="json")),
            ("edgepress_common.messages", "Progress", progress),
            ("edgepress_common.results", "EvaluationResult", evaluation_result().model_dump(mode="json")),
            ("edgepress_common.messages", "StepFailure", failure),
        ],
    )


@pytest.mark.slow
def test_an_old_worker_works_for_the_scheduler(
    old_path: str, database: Database, redis_url: str, tmp_path: Path
) -> None:
    """The old worker's process takes the packing of a data set from Redis, and the scheduler consumes its events."""
    Workforce(database, ledger(), datetime.now(UTC)).announce()
    Submission(database, Fingerprints(roots=()), ledger()).submit(small_spec(), datetime.now(UTC))
    with Redis.from_url(redis_url) as redis, old_worker(old_path, redis_url, tmp_path) as log:
        inbox = RedisInbox(redis)
        (step,) = choose_steps(database, ledger(), datetime.now(UTC), ahead=1)
        Outbox(redis_url).send(step)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := state_of(database, step)) in {"sent", "running"}:
            assert time.monotonic() < deadline, log.read_text()
            consume_events(database, ledger(), inbox, lambda: datetime.now(UTC))
        assert state == "succeeded", log.read_text()


def state_of(database: Database, step: RunStep) -> str:
    """Return the state of a step."""
    with database.read() as session:
        return session.get_one(StepRow, step.step_key).state


@contextmanager
def old_worker(old_path: str, redis_url: str, folder: Path) -> Iterator[Path]:
    """Runs a worker of the old release, and gives its log."""
    environment = os.environ | {
        "PYTHONPATH": old_path,
        "EDGEPRESS_REDIS_URL": redis_url,
        "EDGEPRESS_ARTIFACTS": str(folder / "artifacts"),
        "EDGEPRESS_SCRATCH": str(folder / "scratch"),
        "EDGEPRESS_WORKER_NAME": "old",
    }
    path = folder / "worker.log"
    with path.open("wb") as log:
        command = [sys.executable, "-c", WORKER]
        worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            yield path
        finally:
            worker.terminate()  # killed, it would leave its child behind
            worker.wait(PATIENCE_SECONDS)
