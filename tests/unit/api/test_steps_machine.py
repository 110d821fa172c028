"""Messages of workers, devices and users in any order: finished steps stay, and every job comes to its end.

Jobs, ledger and scheduler are real, on SQLite; workers and devices are simulated. Messages come from all of them that
ever had a step: on time, late, twice, out of order, or after Redis has lost all it had.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.devices.leasing import lease_next
from edgepress_api.devices.reporting import LeaseName, report_failure, report_progress, report_result
from edgepress_api.jobs.ending import cancel_job, retry_job
from edgepress_api.jobs.submission import Submission
from edgepress_api.scheduler.intake import consume_events
from edgepress_api.scheduler.loop import Scheduler
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_api.steps.plausible import ReportedEvaluation
from edgepress_api.steps.states import ENDED
from edgepress_common.errors import ConflictError, LeaseLostError
from edgepress_common.messages import (
    Progress,
    RunStep,
    StepFailed,
    StepFailure,
    StepFinished,
    StepProgress,
    StepReturned,
    StepStarted,
    WorkerEvent,
)
from fakes.broker import ListBroker
from fakes.jobs import ANNOUNCEMENT, Workforce, evaluation_result, made_up, small_spec

RULES = Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=3)
REPORTED = ReportedEvaluation.model_validate(evaluation_result().model_dump())
START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
SAYINGS = st.sampled_from(["started", "progress", "finished", "failed", "failed for good", "returned"])
_ROUNDS = 200  # more than enough for three jobs of six steps, three attempts each


class Seen(NamedTuple):
    """A step as it was seen."""

    state: str
    attempt: int
    failures: int
    outputs: str | None
    result: str | None


def saying(step: RunStep, what: str) -> WorkerEvent:
    """Return a message of a worker about a step that it was sent."""
    names = {"step_key": step.step_key, "attempt": step.attempt, "worker": "w1"}
    match what:
        case "started":
            return StepStarted.model_validate(names)
        case "progress":
            return StepProgress.model_validate(names | {"progress": Progress(fraction=0.5, epoch=1)})
        case "finished":
            outputs, result = made_up(step.parameters.kind)
            return StepFinished.model_validate(names | {"outputs": outputs, "result": result})
        case "returned":
            return StepReturned.model_validate(names)
        case _:
            return StepFailed.model_validate(names | {"failure": failure(what)})


def failure(what: str) -> StepFailure:
    """One that may pass, or one that will not."""
    return StepFailure(code="internal", message="it broke", retryable=what == "failed")


class LifeOfSteps(RuleBasedStateMachine):
    """See the module."""

    empty: Path  # a migrated database, made once

    @initialize()
    def begin(self) -> None:
        """Nothing is there but a device."""
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.empty, self.folder / "edgepress.db")
        self.database = Database(f"sqlite:///{self.folder}/edgepress.db")
        self.ledger, self.broker, self.now = Ledger(RULES), ListBroker(), START
        self.scheduler = Scheduler(
            database=self.database,
            ledger=self.ledger,
            inbox=self.broker,
            sender=self.broker,
            ahead=2,
            clock=lambda: self.now,
            wait=lambda _: None,
        )
        Workforce(self.database, self.ledger, self.now).announce()
        self.jobs: list[str] = []
        self.leases: list[LeaseName] = []
        self.said: list[WorkerEvent] = []
        self.steps: dict[str, Seen] = {}
        self.succeeded: set[str] = set()

    @precondition(lambda self: len(self.jobs) < 3)
    @rule(seed=st.integers(0, 1))
    def post(self, seed: int) -> None:
        """A job that shares its pack with every other, and its training with some."""
        submission = Submission(database=self.database, fingerprints=Fingerprints(roots=()), ledger=self.ledger)
        training = {"epochs": 2, "seed": seed}
        self.jobs.append(submission.submit(small_spec(training=training, name=f"job {len(self.jobs)}"), self.now))

    @rule(seconds=st.sampled_from([1, 29, 61, 700]))
    def time_passes(self, seconds: int) -> None:
        """Less than any limit, or beyond one."""
        self.now += timedelta(seconds=seconds)

    @rule()
    def schedule(self) -> None:
        """The scheduler's round."""
        self.scheduler.round()

    @precondition(lambda self: self.broker.sent)
    @rule(which=st.integers(0, 99), what=SAYINGS)
    def a_worker_speaks(self, which: int, what: str) -> None:
        """A worker posts a message about the step sent last, or about an earlier one."""
        event = saying(self.broker.sent[-1 - which % len(self.broker.sent)], what)
        self.said.append(event)
        self.broker.post(event)

    @precondition(lambda self: self.said)
    @rule(which=st.integers(0, 99))
    def a_message_comes_again(self, which: int) -> None:
        """However long ago it came first."""
        self.broker.post(self.said[which % len(self.said)])

    @precondition(lambda self: self._overtaken())
    @rule(which=st.integers(0, 99), what=SAYINGS)
    def an_earlier_attempt_speaks(self, which: int, what: str) -> None:
        """The message changes nothing, and the worker that continues with the attempt is told to stop."""
        overtaken = self._overtaken()
        step, before = overtaken[which % len(overtaken)], self._look()
        waiting, self.broker.mail = self.broker.mail, {}
        self.broker.post(saying(step, what))
        consume_events(self.database, self.ledger, self.broker, lambda: self.now)
        self.broker.mail = waiting
        assert self._look() == before
        if what in {"started", "progress"}:
            assert (step.step_key, step.attempt) in self.broker.stopped

    @precondition(lambda self: len(self.broker.mail) > 1)
    @rule(random=st.randoms(use_true_random=False))
    def messages_overtake_one_another(self, random: object) -> None:
        """Any order will do."""
        contents = list(self.broker.mail.values())
        random.shuffle(contents)  # type: ignore[attr-defined]
        self.broker.mail = dict(zip(self.broker.mail, contents, strict=True))

    @rule()
    def redis_loses_everything(self) -> None:
        """Queues, events, flags: the database is the truth."""
        self.broker.mail.clear()
        self.broker.stopped.clear()

    @rule()
    def a_device_asks(self) -> None:
        """It gets an evaluation, if there is one."""
        lease = lease_next(self.database, self.ledger, "pi", ANNOUNCEMENT, self.now)
        if lease is not None:
            self.leases.append(LeaseName(device="pi", step_key=lease.step_key, attempt=lease.attempt))

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 99), what=st.sampled_from(["progress", "finished", "failed", "failed for good"]))
    def a_device_speaks(self, which: int, what: str) -> None:
        """A device posts a message about its lease, or about an earlier one."""
        lease = self.leases[-1 - which % len(self.leases)]
        before = self._look()[lease.step_key]
        try:
            match what:
                case "progress":
                    report_progress(self.database, self.ledger, lease, Progress(fraction=0.5), self.now)
                case "finished":
                    report_result(self.database, self.ledger, lease, REPORTED, self.now)
                case _:
                    report_failure(self.database, self.ledger, lease, failure(what), self.now)
        except LeaseLostError:
            assert self._look()[lease.step_key] == before
        else:
            assert (before.state, before.attempt) == ("running", lease.attempt)

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 2))
    def cancel(self, which: int) -> None:
        """A user has changed their mind."""
        with suppress(ConflictError):
            cancel_job(self.database, self.ledger, self.jobs[which % len(self.jobs)], self.now)

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 2))
    def retry(self, which: int) -> None:
        """Retry a job."""
        with suppress(ConflictError):
            retry_job(self.database, self.ledger, self.jobs[which % len(self.jobs)], self.now)

    @invariant()
    def what_is_finished_stays(self) -> None:
        """Attempts count up, only what has succeeded has outputs, and nothing that has succeeded changes."""
        steps = self._look()
        for key, step in steps.items():
            before = self.steps.get(key, step)
            assert before.state != "succeeded" or step == before
            assert step.attempt >= before.attempt
            assert step.failures <= RULES.max_attempts
            assert (step.outputs is not None) == (step.state == "succeeded")
        succeeded = {job for job, state in self._jobs().items() if state == "succeeded"}
        assert succeeded >= self.succeeded
        self.steps, self.succeeded = steps, succeeded

    def teardown(self) -> None:
        """With workers and devices that do their work, every job ends, and every step that some job still wants."""
        if not hasattr(self, "database"):
            return
        self.broker.mail.clear()
        workforce = Workforce(self.database, self.ledger, self.now)
        for _ in range(_ROUNDS):
            if set(self._jobs().values()) <= ENDED | {"partly_succeeded"}:
                break
            self.now += timedelta(minutes=11)
            workforce.now = self.now
            sent = len(self.broker.sent)
            self.scheduler.round()
            for step in self.broker.sent[sent:]:
                workforce.finish(step)
            while workforce.evaluate():
                pass
        assert set(self._jobs().values()) <= ENDED | {"partly_succeeded"}, self._look()
        self.what_is_finished_stays()
        self.database.close()
        shutil.rmtree(self.folder)

    def _overtaken(self) -> list[RunStep]:
        """Return the steps that workers were sent, except for the last attempts."""
        return [step for step in self.broker.sent if step.attempt < self.steps[step.step_key].attempt]

    def _look(self) -> dict[str, Seen]:
        with self.database.read() as session:
            rows = session.execute(text("SELECT key, state, attempt, failures, outputs, result FROM steps"))
            return {key: Seen(*rest) for key, *rest in rows}

    def _jobs(self) -> dict[str, str]:
        with self.database.read() as session:
            return {id_: state for id_, state in session.execute(text("SELECT id, state FROM jobs"))}  # noqa: C416


@pytest.mark.slow
def test_no_sequence_of_happenings_undoes_what_is_done(tmp_path: Path) -> None:
    """Two dozen lives of some jobs, each of up to thirty happenings; a failing one is made as short as it can be."""
    from hypothesis.stateful import run_state_machine_as_test

    LifeOfSteps.empty = tmp_path / "empty.db"
    database = Database(f"sqlite:///{LifeOfSteps.empty}")
    migrate(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    run_state_machine_as_test(
        LifeOfSteps,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
