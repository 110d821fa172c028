"""A job from its posting to its end, while gateway and scheduler are killed at chosen transactions.

Real rules on SQLite, with fake workers, a fake device and a list for Redis. After each kill a new process goes on with
the database, the queues and the event stream, and nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.devices.leasing import lease_next
from edgepress_api.jobs.planned import show_plan
from edgepress_api.jobs.submission import Submission
from edgepress_api.jobs.views import show_job
from edgepress_api.planners.registry import Planners
from edgepress_api.scheduler.loop import Scheduler
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_common.answers.jobs import JobView
from edgepress_common.messages import StepFinished, StepStarted
from edgepress_common.plan import Plan
from edgepress_common.results import EvaluationResult, ExportResult, OperatorWork, StageResult, StepResult
from edgepress_common.spec import JobSpec
from fakes.broker import ListBroker
from fakes.jobs import ANNOUNCEMENT, evaluation_result, made_up
from fakes.killable import KillableDatabase, Killed, Moment
from fakes.tables import create_tables

START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
RULES = Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=5)
_ROUNDS = 200  # several times what the most disturbed run takes


@dataclass
class Ended:
    """How a run ended.

    Attributes:
        plan: What the job's plan had become.
        job: The job.
        writes: Transactions that it took.
        deaths: Number of kills.
    """

    plan: Plan
    job: JobView
    writes: int
    deaths: int


@dataclass
class Run:
    """A job from its posting to its end, with kills by number of transaction."""

    database: KillableDatabase
    spec: JobSpec
    planners: Planners
    now: datetime = START
    ledger: Ledger = field(default_factory=lambda: Ledger(RULES))
    broker: ListBroker = field(default_factory=ListBroker)
    deaths: int = 0

    def to_the_end(self) -> Ended:
        """Round after round, a new process after each death."""
        scheduler = self._scheduler()
        job_id = None
        for _ in range(_ROUNDS):
            try:
                job_id = job_id or self._post()
                scheduler.round()
                self._work()
                self._measure()
            except Killed:
                self.deaths += 1
                scheduler = self._scheduler()
            if job_id is not None and (job := self._job(job_id)).finished_at is not None:
                return Ended(self._plan(job_id), job, self.database.writes, self.deaths)
            self.now += timedelta(seconds=31)
        pytest.fail(f"not at its end after {_ROUNDS} rounds: {job_id and self._job(job_id)}")

    def _scheduler(self) -> Scheduler:
        return Scheduler(
            database=self.database,
            ledger=self.ledger,
            inbox=self.broker,
            sender=self.broker,
            ahead=2,
            clock=lambda: self.now,
            wait=lambda _: None,
            planners=self.planners,
        )

    def _post(self) -> str:
        """Post the job as a client that repeats its request with the same key until it gets an answer."""
        submission = Submission(self.database, Fingerprints(roots=()), self.ledger, planners=self.planners)
        return submission.submit(self.spec, self.now, "the client's key")

    def _work(self) -> None:
        for step in self.broker.sent:
            names = {"step_key": step.step_key, "attempt": step.attempt, "worker": "w1"}
            outputs, result = made_up(step.parameters.kind)
            result = _with_work(step.step_key, result)
            self.broker.post(
                StepStarted.model_validate(names),
                StepFinished.model_validate(names | {"outputs": outputs, "result": result}),
            )
        self.broker.sent.clear()

    def _measure(self) -> None:
        while lease := lease_next(self.database, self.ledger, "pi", ANNOUNCEMENT, self.now):
            with self.database.write() as session:
                result = _measured(lease.step_key)
                self.ledger.finish(session, lease.step_key, lease.attempt, outputs={}, result=result, now=self.now)

    def _job(self, job_id: str) -> JobView:
        with self.database.read() as session:
            return show_job(session, job_id)

    def _plan(self, job_id: str) -> Plan:
        with self.database.read() as session:
            return show_plan(session, job_id)


def run_with_kills(spec: JobSpec, planners: Planners, kills: Mapping[int, Moment]) -> Ended:
    """A job on a database of its own, with kills by number of transaction."""
    with tempfile.TemporaryDirectory() as folder:
        database = KillableDatabase(f"sqlite:///{Path(folder)}/edgepress.db")
        create_tables(database)
        lease_next(database, Ledger(RULES), "pi", ANNOUNCEMENT, START)
        database.writes, database.kills = 0, dict(kills)
        try:
            return Run(database, spec, planners).to_the_end()
        finally:
            database.close()


def _with_work(step_key: str, result: StepResult) -> StepResult:
    """Return the result of a stage or an export with work that depends on the step."""
    macs = 1 + int(step_key[:6], 16)
    work = (OperatorWork(kind="convolution", calls=10, macs=macs, weights=0, values=0),)
    match result:
        case ExportResult():
            return result.model_copy(update={"work": work})
        case StageResult():
            return result.model_copy(update={"work_by_keep": dict.fromkeys(("1", "0.5", "0.25"), work)})
        case _:
            return result


def _measured(step_key: str) -> EvaluationResult:
    """Return a measurement whose accuracy depends on the step."""
    right = int(step_key[:4], 16) % 101
    confusion = ((right, 100 - right), (0, 0))
    return evaluation_result().model_copy(update={"images": 100, "accuracy": right / 100, "confusion": confusion})
