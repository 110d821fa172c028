"""Real workers on two machines, on a real Redis: only those of the device's machine rest while it measures."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select

from edgepress_api.database import Database, PipelineStepRow, StepRow
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.devices.leasing import lease_next
from edgepress_api.devices.reporting import LeaseName, report_progress
from edgepress_api.jobs.submission import Submission
from edgepress_api.scheduler.broker import Outbox, RedisInbox
from edgepress_api.scheduler.loop import Scheduler
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_common.devices import EvaluationLease
from edgepress_common.messages import Progress
from fakes.jobs import ANNOUNCEMENT, evaluation_result, small_spec

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
PATIENCE_SECONDS = 120
RULES = Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=3)


class Stack:
    """A scheduler with a real Redis, and the device ``pi`` on the machine ``here``."""

    def __init__(self, database: Database, redis: Redis, redis_url: str) -> None:
        self.database, self.ledger = database, Ledger(RULES)
        self.inbox = RedisInbox(redis)
        self.lease: EvaluationLease | None = None
        self.scheduler = Scheduler(
            database=database,
            ledger=self.ledger,
            inbox=self.inbox,
            sender=Outbox(redis_url),
            ahead=2,
            clock=lambda: datetime.now(UTC),
            wait=time.sleep,
        )

    def submit(self, epochs: int) -> str:
        """Submit a job, and return the key of its training."""
        pipeline = {"name": "base", "exports": ["int8"]}
        devices = {"devices": ["pi"]}
        spec = small_spec(training={"epochs": epochs}, evaluation=devices, pipelines=[pipeline])
        Submission(self.database, Fingerprints(roots=()), self.ledger).submit(spec, datetime.now(UTC))
        with self.database.read() as session:
            keys = select(StepRow.key).join(PipelineStepRow, PipelineStepRow.step_key == StepRow.key)
            return (
                session.scalars(
                    keys.where(StepRow.kind == "stage").order_by(PipelineStepRow.pipeline_id.desc())
                ).first()
                or ""
            )

    def ask(self) -> bool:
        """The device asks for an evaluation; return whether it has one."""
        announcement = ANNOUNCEMENT.model_copy(update={"shares_cpu": True, "machine_id": "here"})
        self.lease = self.lease or lease_next(self.database, self.ledger, "pi", announcement, datetime.now(UTC))
        return self.lease is not None

    def measured(self) -> None:
        """The device finishes its evaluation."""
        assert self.lease is not None
        names, now = (self.lease.step_key, self.lease.attempt), datetime.now(UTC)
        with self.database.write() as session:
            assert self.ledger.finish(session, *names, outputs={}, result=evaluation_result(), now=now)
        self.lease = None

    def until(self, holds: Callable[[], bool]) -> None:
        """Run rounds, with the heartbeats of the device, until a condition holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.states()
            if self.lease is not None:
                name = LeaseName(device="pi", step_key=self.lease.step_key, attempt=self.lease.attempt)
                report_progress(self.database, self.ledger, name, Progress(fraction=0.5), datetime.now(UTC))
            self.scheduler.round()

    def state(self, step_key: str) -> str:
        """Return the state of a step."""
        with self.database.read() as session:
            return session.get_one(StepRow, step_key).state

    def states(self) -> list[tuple[str, str, str | None]]:
        """Return title, state and worker of all steps."""
        with self.database.read() as session:
            return [(row.title, row.state, row.holder) for row in session.scalars(select(StepRow))]

    def worker_of(self, step_key: str) -> str | None:
        """Return the worker that runs or ran a step."""
        with self.database.read() as session:
            return session.get_one(StepRow, step_key).holder

    def machine_of(self, step_key: str) -> str | None:
        """Return the machine that is stored with a step."""
        with self.database.read() as session:
            return session.get_one(StepRow, step_key).machine_id

    def machines(self) -> list[str]:
        """Return the machine of each live worker."""
        return sorted(worker.machine_id for worker in self.inbox.workers())


@pytest.fixture
def stack(redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    """A scheduler with an empty database and an empty Redis."""
    database = Database(f"sqlite:///{tmp_path}/edgepress.db")
    migrate(database)
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        yield Stack(database, redis, redis_url)
    database.close()


@contextmanager
def worker(machine_id: str, redis_url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that says it is on a machine, and has its name."""
    environment = os.environ | {
        "PYTHONPATH": str(TESTS),
        "EDGEPRESS_REDIS_URL": redis_url,
        "EDGEPRESS_ARTIFACTS": str(folder / "artifacts"),
        "EDGEPRESS_SCRATCH": str(folder / f"scratch-{machine_id}"),
        "EDGEPRESS_WORKER_NAME": machine_id,
        "EDGEPRESS_MACHINE_ID": machine_id,
    }
    command = [sys.executable, str(TESTS / "fakes" / "made_up_worker.py")]
    with (folder / f"{machine_id}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            yield process
        finally:
            process.terminate()  # killed, it would leave its child behind
            process.wait(PATIENCE_SECONDS)


def test_a_worker_elsewhere_works_while_the_worker_here_rests(stack: Stack, redis_url: str, tmp_path: Path) -> None:
    """It gets the next step at once; the worker of the device's machine gets one only after the measurement."""
    with ExitStack() as running:
        running.enter_context(worker("here", redis_url, tmp_path))
        assert not stack.ask(), "the device is known from now on, and there is nothing to measure"
        stack.submit(1)
        stack.until(stack.ask)
        elsewhere = running.enter_context(worker("elsewhere", redis_url, tmp_path))
        stack.until(lambda: stack.machines() == ["elsewhere", "here"])

        (tmp_path / "hold").touch()
        second, third = stack.submit(2), stack.submit(3)
        stack.until(lambda: stack.state(second) == "running")
        assert stack.worker_of(second) == "elsewhere"
        until = time.monotonic() + 2
        stack.until(lambda: time.monotonic() > until)
        assert stack.state(third) == "ready", "the worker here is idle, and has to rest"
        stack.measured()
        stack.until(lambda: stack.state(third) == "running")
        assert (stack.worker_of(second), stack.worker_of(third)) == ("elsewhere", "here")
        assert stack.machine_of(third) == "here", "it was sent to all workers, and the worker names its machine"
        (tmp_path / "hold").unlink()
        stack.until(lambda: stack.state(second) == stack.state(third) == "succeeded")

        elsewhere.terminate()
        elsewhere.wait(PATIENCE_SECONDS)
        assert stack.machines() == ["here"]
        stack.until(stack.ask)
        stack.measured()
        stack.until(stack.ask)
        stack.measured()
        stack.until(lambda: all(state == "succeeded" for _, state, _ in stack.states()))
