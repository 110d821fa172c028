"""A real worker whose child hangs: stopped from outside, in a library that never returns, or waiting for a decoder."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from pydantic import TypeAdapter
from redis import Redis

from edgepress_api.scheduler.broker import Outbox, RedisInbox
from edgepress_common.messages import QUEUES, RunStep, WorkerEvent
from edgepress_common.spec import BuiltinDataset
from edgepress_common.steps import PackStep

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
PATIENCE_SECONDS = 60
ENDED_WITHIN_SECONDS = 10
HANGS = ["is stopped by SIGSTOP", "never returns from a library", "waits for a decoder that never returns"]
QUEUE = QUEUES["pack"]
EVENT: TypeAdapter[WorkerEvent] = TypeAdapter(WorkerEvent)


@dataclass
class Worker:
    """A worker, its queue, and what it has said."""

    process: psutil.Popen
    outbox: Outbox
    inbox: RedisInbox
    log: Path

    def order(self, key: str, fingerprint: str, attempt: int = 1) -> None:
        """Sends it a step."""
        parameters = PackStep(dataset=BuiltinDataset(image_size=32), fingerprint=fingerprint)
        self.outbox.send(RunStep(step_key=key, attempt=attempt, parameters=parameters))

    def hear(self, is_wanted: Callable[[WorkerEvent], bool], seconds: float = PATIENCE_SECONDS) -> WorkerEvent:
        """The first event that is wanted; those before it are deleted."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for id_, content in self.inbox.read():
                self.inbox.delete([id_])
                event = EVENT.validate_json(content)
                if is_wanted(event):
                    return event
        raise AssertionError(f"not heard in {seconds} s: {self.log.read_text()}")

    def wait_for_the_end(self) -> None:
        """Returns when it has ended, in less time than Docker and `edgepress up` wait before they kill."""
        try:
            self.process.wait(ENDED_WITHIN_SECONDS)
        except psutil.TimeoutExpired:
            raise AssertionError(f"it still runs: {self.log.read_text()}") from None

    def descendants(self) -> list[psutil.Process]:
        """The child and what it has started."""
        return list(self.process.children(recursive=True))


Start = Callable[[], "Worker"]


@pytest.fixture
def start(redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts workers in one folder; ended with the test."""
    environment = os.environ | {
        "PYTHONPATH": str(TESTS),
        "EDGEPRESS_REDIS_URL": redis_url,
        "EDGEPRESS_ARTIFACTS": str(tmp_path / "artifacts"),
        "EDGEPRESS_SCRATCH": str(tmp_path / "scratch"),
        "EDGEPRESS_WORKER_NAME": "w1",
    }
    outbox, started = Outbox(redis_url), list[psutil.Popen]()
    with Redis.from_url(redis_url) as redis, (tmp_path / "worker.log").open("ab") as log:
        redis.flushall()

        def start() -> Worker:
            command = [sys.executable, str(TESTS / "fakes" / "failing_worker.py")]
            process = psutil.Popen(command, env=environment, stdout=log, stderr=log, cwd=tmp_path)
            started.append(process)
            return Worker(process, outbox, RedisInbox(redis), tmp_path / "worker.log")

        yield start
        for process in started:
            with suppress(psutil.NoSuchProcess):
                for each in (*process.children(recursive=True), process):
                    each.kill()
            process.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("hang", HANGS)
def test_a_child_that_hangs_is_ended_and_the_next_step_is_done(start: Start, hang: str) -> None:
    """Once the scheduler has told the attempt to stop; nothing that the child had started is left."""
    worker = start()
    worker.order("a" * 64, hang)
    worker.hear(lambda event: event.type == "started")
    time.sleep(1)  # for what it starts
    hung = worker.descendants()

    worker.inbox.stop("a" * 64, 1)
    worker.order("b" * 64, "nothing special")
    gone, left = psutil.wait_procs(hung, ENDED_WITHIN_SECONDS)

    assert gone
    assert left == []
    worker.hear(lambda event: event.type == "finished" and event.step_key == "b" * 64)


@pytest.mark.parametrize("hang", HANGS)
def test_a_worker_whose_child_hangs_returns_the_step_when_it_is_stopped(start: Start, hang: str) -> None:
    """In less time than Docker and `edgepress up` wait before they kill."""
    worker = start()
    worker.order("a" * 64, hang)
    worker.hear(lambda event: event.type == "started")

    worker.process.send_signal(signal.SIGTERM)

    worker.wait_for_the_end()
    worker.hear(lambda event: event.type == "returned")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_next_start_returns_unreported_steps(start: Start, redis_url: str, number: signal.Signals) -> None:
    """Redis has lost all data, as when the whole machine was shut down; the return is posted once."""
    worker = start()
    worker.order("a" * 64, "waits to be stopped", attempt=4)
    worker.hear(lambda event: event.type == "started")
    worker.process.send_signal(number)
    worker.wait_for_the_end()
    with Redis.from_url(redis_url) as redis:
        redis.flushall()

    again = start()

    event = again.hear(lambda event: event.type == "returned")
    assert (event.step_key, event.attempt) == ("a" * 64, 4)
    again.order("b" * 64, "nothing special")
    again.hear(lambda event: event.type == "finished")
    again.process.terminate()
    again.wait_for_the_end()
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    last = start()
    last.order("c" * 64, "nothing special")
    heard = []
    last.hear(lambda event: heard.append(event.step_key) or (event.type, event.step_key) == ("finished", "c" * 64))  # type: ignore[func-returns-value]
    assert "a" * 64 not in heard


@pytest.mark.parametrize("delay_seconds", [0, 0.003, 0.02])
def test_a_worker_stopped_while_it_takes_a_step_returns_it(start: Start, redis_url: str, delay_seconds: float) -> None:
    """The step is in its queue again or was returned, never begun and left: that would count as a failed attempt."""
    worker = start()
    worker.order("a" * 64, "nothing special")
    worker.hear(lambda event: event.type == "finished")
    with Redis.from_url(redis_url) as redis:
        worker.order("b" * 64, "waits to be stopped")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while redis.llen(QUEUE):
            assert time.monotonic() < deadline, worker.log.read_text()
        time.sleep(delay_seconds)
        worker.process.send_signal(signal.SIGTERM)
        worker.wait_for_the_end()
        said = [EVENT.validate_json(content).type for _, content in worker.inbox.read(0.1)]

        assert redis.llen(QUEUE) == 1 or said[-1] == "returned", (said, worker.log.read_text())
        assert ("returned" in said) == ("started" in said)


def test_a_worker_killed_while_it_stops_has_noted_its_step(start: Start, redis_url: str) -> None:
    """Its supervisor may lose patience: the note is written before anything else."""
    worker = start()
    worker.order("a" * 64, "never returns from a library")
    worker.hear(lambda event: event.type == "started")
    notes = worker.log.parent / "scratch" / "returned"
    worker.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + ENDED_WITHIN_SECONDS
    while not notes.is_dir() or not list(notes.iterdir()):
        assert time.monotonic() < deadline, worker.log.read_text()
        time.sleep(0.01)
    for each in (*worker.descendants(), worker.process):
        each.kill()
    worker.process.wait(PATIENCE_SECONDS)
    with Redis.from_url(redis_url) as redis:
        redis.flushall()

    event = start().hear(lambda event: event.type == "returned")

    assert event.step_key == "a" * 64
    deadline = time.monotonic() + ENDED_WITHIN_SECONDS
    while notes.exists():  # the note goes only after its event is out
        assert time.monotonic() < deadline, "the note of an event that was sent is kept"
        time.sleep(0.01)
