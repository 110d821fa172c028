"""A real worker on a real Redis: steps that end their process, or keep it from sending heartbeats."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from redis import Redis

from edgepress_api.scheduler.broker import Outbox, RedisInbox
from edgepress_common.messages import RunStep, StepFailed, StepFinished, StepStarted, WorkerEvent
from edgepress_common.spec import BuiltinDataset
from edgepress_common.steps import PackStep

TESTS = Path(__file__).parents[1]
PATIENCE_SECONDS = 120
EVENT: TypeAdapter[WorkerEvent] = TypeAdapter(WorkerEvent)

Done = Callable[[str], list[WorkerEvent]]


@pytest.fixture(scope="module")
def done(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """Let the worker do a step, and return all its messages except for progress."""
    folder = tmp_path_factory.mktemp("worker")
    environment = os.environ | {
        "PYTHONPATH": str(TESTS),
        "EDGEPRESS_REDIS_URL": redis_url,
        "EDGEPRESS_ARTIFACTS": str(folder / "artifacts"),
        "EDGEPRESS_SCRATCH": str(folder / "scratch"),
        "EDGEPRESS_WORKER_NAME": "w1",
    }
    outbox, attempts = Outbox(redis_url), itertools.count(1)
    with Redis.from_url(redis_url) as redis, (folder / "worker.log").open("wb") as log:
        redis.flushall()
        inbox = RedisInbox(redis)
        command = [sys.executable, str(TESTS / "fakes" / "failing_worker.py")]
        worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)

        def do(fingerprint: str) -> list[WorkerEvent]:
            parameters = PackStep(dataset=BuiltinDataset(image_size=32), fingerprint=fingerprint)
            outbox.send(RunStep(step_key="a" * 64, attempt=next(attempts), parameters=parameters))
            said: list[WorkerEvent] = []
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not said or not isinstance(said[-1], StepFinished | StepFailed):
                assert time.monotonic() < deadline, (folder / "worker.log").read_text()
                entries = inbox.read()
                if entries:
                    inbox.delete([id_ for id_, _ in entries])
                said += [EVENT.validate_json(content) for _, content in entries]
            return [event for event in said if event.type != "progress"]

        try:
            yield do
        finally:
            worker.terminate()  # killed, it would leave its child behind
            worker.wait(PATIENCE_SECONDS)


@pytest.mark.slow
def test_a_step_that_needs_too_much_memory_says_so(done: Done) -> None:
    """A real limit of a real process; another attempt may find more."""
    *_, failed = done("needs much memory")
    assert isinstance(failed, StepFailed)
    assert (failed.failure.code, failed.failure.retryable) == ("out_of_memory", True)
    assert "batch_size" in failed.failure.message
    assert "MemoryError" in failed.failure.log


@pytest.mark.slow
def test_a_process_that_is_killed_is_reported_by_its_parent(done: Done) -> None:
    """The report comes at once, with the signal and its most likely cause; the next step is done."""
    *started, failed = done("is killed")
    assert {type(event) for event in started} == {StepStarted}  # said again while it lives, if it lives long enough
    assert isinstance(failed, StepFailed)
    assert (failed.failure.code, failed.failure.retryable) == ("killed", True)
    assert "SIGKILL" in failed.failure.message
    assert "memory" in failed.failure.message
    assert isinstance(done("nothing special")[-1], StepFinished)


@pytest.mark.slow
def test_a_process_that_can_not_speak_is_spoken_for(done: Done) -> None:
    """While the converter holds Python's lock, its parent sends the heartbeats."""
    said = done("holds Python's lock")
    assert [event.type for event in said[:-1]] == ["started"] * (len(said) - 1)
    assert len(said) >= 3
    assert isinstance(said[-1], StepFinished)
