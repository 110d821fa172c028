"""Steps and jobs that exceed their time limit are stopped, and their error says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from edgepress_api.database import Database, StepRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.ending import retry_job
from edgepress_api.jobs.submission import Submission
from edgepress_api.jobs.time_limits import enforce_time_limits
from edgepress_api.jobs.views import show_job
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.jobs import JobView
from edgepress_common.messages import Progress
from fakes.jobs import Workforce, small_spec


class Shop:
    """Jobs, a worker that may take its time, and a clock."""

    def __init__(self, database: Database, ledger: Ledger, now: datetime) -> None:
        self.database, self.ledger, self.now = database, ledger, now
        self.workforce = Workforce(database, ledger, now)
        self.workforce.announce()

    def post(self, **changes: Any) -> str:
        """A job."""
        submission = Submission(database=self.database, fingerprints=Fingerprints(roots=()), ledger=self.ledger)
        return submission.submit(small_spec(**changes), self.now)

    def pass_hours(self, hours: float) -> None:
        """Let time pass, then enforce the limits."""
        self.now += timedelta(hours=hours)
        enforce_time_limits(self.database, self.ledger, self.now)

    def begin_training(self) -> None:
        """The pack is made, and a worker has begun to train."""
        (pack,) = self.workforce.take()
        self.workforce.finish(pack)
        (training,) = self.workforce.take()
        with self.database.write() as session:
            progress = Progress(fraction=0.1)
            self.ledger.renew(
                session, training.step_key, training.attempt, holder="w1", progress=progress, now=self.now
            )

    def job(self, job_id: str) -> JobView:
        """A job as it is."""
        with self.database.read() as session:
            return show_job(session, job_id)

    def states(self, job_id: str) -> dict[str, str]:
        """The states of its steps, by title."""
        return {step.title: step.state for pipeline in self.job(job_id).pipelines for step in pipeline.steps}


@pytest.fixture
def shop(database: Database, ledger: Ledger, now: datetime) -> Shop:
    """A shop without a job."""
    return Shop(database, ledger, now)


def test_an_attempt_that_takes_too_long_fails_its_step(shop: Shop) -> None:
    """The failure is permanent, with the limit and what to do; dependent steps fail too."""
    job_id = shop.post(limits={"step_hours": 2})
    shop.begin_training()
    shop.pass_hours(1.9)
    assert shop.states(job_id)["train"] == "running"

    shop.pass_hours(0.2)

    job = shop.job(job_id)
    assert (job.state, shop.states(job_id)["train"], shop.states(job_id)["pack"]) == ("failed", "failed", "succeeded")
    assert job.error is not None
    assert "longer than 2 hours" in job.error
    assert "limits.step_hours" in job.error


def test_the_longest_limit_of_the_jobs_of_a_step_holds(shop: Shop) -> None:
    """The short limit of one job does not stop the training of another."""
    shop.post(limits={"step_hours": 2})
    job_id = shop.post(name="patient")
    shop.begin_training()
    shop.pass_hours(100)
    assert shop.states(job_id)["train"] == "running"

    shop.pass_hours(21)

    assert shop.states(job_id)["train"] == "failed"


def test_a_job_that_takes_too_long_is_ended_and_can_be_retried(shop: Shop) -> None:
    """Finished steps stay; a retry has the whole time again."""
    job_id = shop.post(limits={"job_hours": 3})
    shop.begin_training()
    shop.pass_hours(3)
    job = shop.job(job_id)
    assert (job.state, shop.states(job_id)["train"], shop.states(job_id)["pack"]) == (
        "failed",
        "cancelled",
        "succeeded",
    )
    assert job.finished_at == shop.now
    assert job.error is not None
    assert "longer than 3 hours" in job.error
    assert "limits.job_hours" in job.error

    retry_job(shop.database, shop.ledger, job_id, shop.now)
    shop.pass_hours(2.9)
    assert shop.job(job_id).state in {"queued", "running"}
    shop.workforce.now = shop.now
    shop.workforce.work_until_nothing_is_left()
    assert shop.job(job_id).state == "succeeded"
    with shop.database.read() as session:
        attempts = dict(session.execute(select(StepRow.title, StepRow.attempt)).all())
    assert (attempts["pack"], attempts["train"]) == (1, 2)


def test_a_job_at_its_end_leaves_others_their_steps(shop: Shop) -> None:
    """A training that another job needs continues."""
    hasty = shop.post(limits={"job_hours": 3})
    other = shop.post(name="other")
    shop.begin_training()
    shop.pass_hours(4)
    assert shop.job(hasty).state == "failed"
    assert shop.states(other)["train"] == "running"


def test_what_was_measured_is_something_to_show(shop: Shop) -> None:
    """A job that ends at its limit with an evaluation done has partly succeeded."""
    job_id = shop.post(limits={"job_hours": 3})
    shop.workforce.finish_all_steps()
    assert shop.workforce.evaluate()
    shop.pass_hours(4)
    assert shop.job(job_id).state == "partly_succeeded"


def test_the_server_has_limits_of_its_own(shop: Shop) -> None:
    """A spec may ask for less, never for more."""
    job_id = shop.post(limits={"job_hours": 8000})
    shop.pass_hours(719)
    assert shop.job(job_id).state == "queued"
    shop.pass_hours(2)
    assert shop.job(job_id).state == "failed"
