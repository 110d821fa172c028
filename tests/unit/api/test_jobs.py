"""A job's life in the database, from submission to its end, on SQLite and PostgreSQL."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from edgepress_api.database import Database, EventRow, JobRow, StepRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.devices.leasing import lease_next
from edgepress_api.garbage_collection.unreferenced_steps import delete_old_jobs
from edgepress_api.jobs.ending import cancel_job, delete_job, retry_job
from edgepress_api.jobs.submission import IdempotencyError, Submission
from edgepress_api.jobs.views import list_jobs, show_job
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.jobs import JobView
from edgepress_common.errors import ConflictError, InvalidSpecError, NotFoundError
from edgepress_common.messages import RunStep, StepFailure
from fakes.jobs import ANNOUNCEMENT, Workforce, evaluation_result, small_spec

BROKEN = StepFailure(code="failed", message="the loss became NaN", retryable=False)


@pytest.fixture
def submission(database: Database, ledger: Ledger) -> Submission:
    """Accepts jobs."""
    return Submission(database=database, fingerprints=Fingerprints(roots=()), ledger=ledger)


@pytest.fixture
def workforce(database: Database, ledger: Ledger, now: datetime) -> Workforce:
    """A worker and a device that is known already."""
    workforce = Workforce(database, ledger, now)
    workforce.announce()
    return workforce


def test_a_job_runs_from_queued_to_succeeded(
    submission: Submission, workforce: Workforce, database: Database, now: datetime
) -> None:
    """Each step runs once its inputs exist; when all have succeeded, so has the job."""
    job_id = submission.submit(small_spec(), now)
    assert look(database, job_id).state == "queued"
    workforce.work_until_nothing_is_left()
    job = look(database, job_id)
    assert (job.state, job.progress, job.error) == ("succeeded", 1.0, None)
    assert job.finished_at is not None
    assert workforce.done == ["pack", "stage", "export", "export", "evaluation", "evaluation"]


def test_progress_counts_the_work_that_is_done(
    submission: Submission, workforce: Workforce, database: Database, now: datetime
) -> None:
    """Progress never falls, and a job that runs is called running."""
    job_id = submission.submit(small_spec(), now)
    seen = [look(database, job_id).progress]
    for _ in range(3):
        for step in workforce.take():
            workforce.finish(step)
        seen.append(look(database, job_id).progress)
        assert look(database, job_id).state == "running"
    assert seen[0] == 0
    assert seen == sorted(set(seen))


def test_the_same_job_again_finds_everything_done(
    submission: Submission, workforce: Workforce, database: Database, now: datetime
) -> None:
    """Steps with equal keys are one step, across jobs."""
    submission.submit(small_spec(), now)
    workforce.work_until_nothing_is_left()
    before = len(workforce.done)
    job_id = submission.submit(small_spec(name="again"), now)
    assert look(database, job_id).state == "succeeded"
    assert workforce.take() == []
    assert len(workforce.done) == before
    assert len(submission.preview(small_spec()).done) == before


def test_a_job_that_differs_in_its_exports_shares_the_training(
    submission: Submission, workforce: Workforce, now: datetime
) -> None:
    """Only new steps are done."""
    submission.submit(small_spec(), now)
    workforce.work_until_nothing_is_left()
    workforce.done.clear()
    submission.submit(small_spec(pipelines=[{"name": "other name", "exports": ["float32", "float16"]}]), now)
    workforce.work_until_nothing_is_left()
    assert workforce.done == ["export", "evaluation"]


def test_a_failed_step_takes_down_only_what_needs_it(
    submission: Submission, workforce: Workforce, database: Database, ledger: Ledger, now: datetime
) -> None:
    """One export fails; the other goes on, and the job has partly succeeded, with the reason."""
    job_id = submission.submit(small_spec(), now)
    for _ in range(2):
        for step in workforce.take():
            workforce.finish(step)
    bad, good = workforce.take()
    fail(database, ledger, bad, now)
    workforce.finish(good)
    workforce.work_until_nothing_is_left()
    job = look(database, job_id)
    assert job.state == "partly_succeeded"
    assert job.progress == pytest.approx(10 / 14)  # without an export and its evaluation
    assert job.error == f"{titles(job)[bad.step_key]}: the loss became NaN"
    failed = [step for step in job.pipelines[0].steps if step.state == "failed"]
    assert [step.failure.code for step in failed if step.failure] == ["failed", "input_failed"]


def test_a_failed_training_fails_the_job(
    submission: Submission, workforce: Workforce, database: Database, ledger: Ledger, now: datetime
) -> None:
    """Nothing can be done without it."""
    job_id = submission.submit(small_spec(), now)
    for step in workforce.take():
        workforce.finish(step)
    (training,) = workforce.take()
    fail(database, ledger, training, now)
    job = look(database, job_id)
    assert (job.state, job.error) == ("failed", "train: the loss became NaN")
    assert workforce.take() == []


def test_retry_does_only_what_is_missing(
    submission: Submission, workforce: Workforce, database: Database, ledger: Ledger, now: datetime
) -> None:
    """Succeeded steps stay; failed ones begin again with all their attempts."""
    job_id = submission.submit(small_spec(), now)
    for step in workforce.take():
        workforce.finish(step)
    (training,) = workforce.take()
    fail(database, ledger, training, now)
    workforce.done.clear()
    retry_job(database, ledger, job_id, now)
    assert look(database, job_id).state in {"queued", "running"}
    workforce.work_until_nothing_is_left()
    assert look(database, job_id).state == "succeeded"
    assert workforce.done == ["stage", "export", "export", "evaluation", "evaluation"]


def test_cancel_gives_up_what_no_other_job_needs(
    submission: Submission, workforce: Workforce, database: Database, ledger: Ledger, now: datetime
) -> None:
    """Two jobs share a training; cancelling one leaves it to the other, and that job's own exports are given up."""
    first = submission.submit(small_spec(), now)
    second = submission.submit(small_spec(name="second", pipelines=[{"name": "base", "exports": ["float16"]}]), now)
    cancel_job(database, ledger, first, now)
    assert look(database, first).state == "cancelled"
    workforce.work_until_nothing_is_left()
    assert look(database, second).state == "succeeded"
    assert workforce.done == ["pack", "stage", "export", "evaluation"]
    assert look(database, first).state == "cancelled"


def test_the_word_of_a_cancelled_attempt_changes_nothing(
    submission: Submission, workforce: Workforce, database: Database, ledger: Ledger, now: datetime
) -> None:
    """A worker that finishes what was cancelled meanwhile is told that it no longer counts."""
    job_id = submission.submit(small_spec(), now)
    (pack,) = workforce.take()
    cancel_job(database, ledger, job_id, now)
    assert workforce.finish(pack) is False
    with pytest.raises(ConflictError, match="cancelled"):
        cancel_job(database, ledger, job_id, now)


def test_a_silent_worker_loses_its_step(
    submission: Submission, workforce: Workforce, database: Database, ledger: Ledger, now: datetime
) -> None:
    """A step whose lease has expired is sent again as a new attempt; a late result of the first attempt is ignored."""
    submission.submit(small_spec(), now)
    (first,) = workforce.take()
    with database.write() as session:
        assert ledger.renew(session, first.step_key, first.attempt, holder="w1", progress=None, now=now)
    workforce.now = now + timedelta(seconds=61)
    with database.write() as session:
        assert ledger.expire(session, workforce.now) == 1
    (second,) = workforce.take()
    assert (second.step_key, second.attempt) == (first.step_key, 2)
    assert workforce.finish(first) is False
    assert workforce.finish(second) is True


def test_delete_forgets_a_job_but_not_its_steps(
    submission: Submission, workforce: Workforce, database: Database, ledger: Ledger, now: datetime
) -> None:
    """A running job can't be deleted; one that has ended can, and its steps serve the next."""
    job_id = submission.submit(small_spec(), now)
    with pytest.raises(ConflictError, match="cancel it first"):
        delete_job(database, job_id)
    workforce.work_until_nothing_is_left()
    delete_job(database, job_id)
    with pytest.raises(NotFoundError):
        look(database, job_id)
    again = submission.submit(small_spec(), now)
    assert look(database, again).state == "succeeded"


def test_an_idempotency_key_gives_the_first_answer_again(
    submission: Submission, workforce: Workforce, now: datetime
) -> None:
    """The same spec under the same key is the same job; another spec under it is refused."""
    first = submission.submit(small_spec(), now, idempotency_key="k")
    assert submission.submit(small_spec(), now, idempotency_key="k") == first
    with pytest.raises(IdempotencyError, match=first):
        submission.submit(small_spec(name="other"), now, idempotency_key="k")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"evaluation": {"devices": ["unknown"]}}, "evaluation.devices[0]"),
        ({"dataset": {"kind": "folder", "path": "/somewhere", "image_size": 32}}, "dataset.path"),
        ({"dataset": {"kind": "upload", "sha256": "0" * 64, "image_size": 32}}, "dataset.sha256"),
    ],
)
def test_what_only_a_look_can_tell_is_refused_and_nothing_is_stored(
    submission: Submission,
    workforce: Workforce,
    database: Database,
    now: datetime,
    change: dict[str, object],
    field: str,
) -> None:
    """An unknown device, a folder outside the roots and an unknown upload are named, and nothing is stored."""
    with pytest.raises(InvalidSpecError) as caught:
        submission.submit(small_spec(**change), now)
    assert caught.value.problems[0].field == field
    assert caught.value.problems[0].accepted
    with database.read() as session:
        for table in (JobRow, StepRow, EventRow):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_pages_go_from_the_newest_to_the_oldest(
    submission: Submission, workforce: Workforce, database: Database, now: datetime
) -> None:
    """Every job is on exactly one page, also when another arrives in between."""
    ids = [submission.submit(small_spec(name=f"job {number}"), now) for number in range(5)]
    with database.read() as session:
        first = list_jobs(session, page_size=2)
    submission.submit(small_spec(name="late"), now)
    with database.read() as session:
        second = list_jobs(session, page_size=2, page_token=first.next_page_token)
        third = list_jobs(session, page_size=2, page_token=second.next_page_token)
    assert [job.id for page in (first, second, third) for job in page.jobs] == ids[::-1]
    assert third.next_page_token is None


def test_a_worker_on_the_devices_own_processor_rests_while_it_measures(
    submission: Submission, database: Database, ledger: Ledger, now: datetime
) -> None:
    """A device that shares its processors gets no work while workers are busy, and workers none while it measures."""
    workforce = Workforce(database, ledger, now, announcement=ANNOUNCEMENT.model_copy(update={"shares_cpu": True}))
    workforce.announce()
    submission.submit(small_spec(), now)
    for _ in range(3):
        for step in workforce.take():
            assert not workforce.evaluate(), "measured next to a worker"
            workforce.finish(step)
    submission.submit(small_spec(name="second", training={"epochs": 3}), now)
    assert workforce.take() == [], "a worker got a step while an older job's evaluations wait"
    lease = lease_next(database, ledger, workforce.device, workforce.announcement, now)
    assert lease is not None
    assert workforce.take() == [], "a worker got a step while the device measures"
    with database.write() as session:
        ledger.finish(session, lease.step_key, lease.attempt, outputs={}, result=evaluation_result(), now=now)
    assert workforce.evaluate()
    assert [step.parameters.kind for step in workforce.take()] == ["stage"]


def look(database: Database, job_id: str) -> JobView:
    """The job as the outside sees it."""
    with database.read() as session:
        return show_job(session, job_id)


def titles(job: JobView) -> dict[str, str]:
    """Return the title of each step."""
    return {step.key: step.title for pipeline in job.pipelines for step in pipeline.steps}


def fail(database: Database, ledger: Ledger, step: RunStep, now: datetime) -> None:
    """The step fails for good."""
    with database.write() as session:
        assert ledger.fail(session, step.step_key, step.attempt, failure=BROKEN, now=now)


def test_an_idempotency_key_covers_the_secret_of_the_webhook(submission: Submission, now: datetime) -> None:
    """A spec does not show it, but another one is another request."""
    Workforce(submission.database, submission.ledger, now).announce()
    one, other = ({"url": "https://hook.example/", "secret": letter * 16} for letter in "ab")
    first = submission.submit(small_spec(webhook=one), now, idempotency_key="k")
    assert submission.submit(small_spec(webhook=one), now, idempotency_key="k") == first
    with pytest.raises(IdempotencyError, match=first):
        submission.submit(small_spec(webhook=other), now, idempotency_key="k")


def test_an_idempotency_key_outlives_its_job(
    submission: Submission, workforce: Workforce, database: Database, now: datetime
) -> None:
    """However the job was deleted, the key creates no other one."""
    deleted = [submission.submit(small_spec(name=key), now, idempotency_key=key) for key in ("a", "b")]
    workforce.work_until_nothing_is_left()
    delete_job(database, deleted[0])
    assert delete_old_jobs(database, now + timedelta(days=2), timedelta(days=1)) == 1
    for key, job_id in zip(("a", "b"), deleted, strict=True):
        with pytest.raises(ConflictError, match=f"{job_id}, which was deleted"):
            submission.submit(small_spec(name=key), now, idempotency_key=key)
