"""Cancels, retries and deletes jobs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import LOCAL, Principal
from edgepress_api.access.quotas import check_job_fits
from edgepress_api.database import Database, JobRow, PipelineRow, PipelineStepRow, SpentKeyRow, StepRow
from edgepress_api.jobs.deadline import deadline_of
from edgepress_api.jobs.imported import check_not_imported
from edgepress_api.steps.following import follow_steps, note_job
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.errors import ConflictError, NotFoundError


def cancel_job(database: Database, ledger: Ledger, job_id: str, now: datetime) -> None:
    """Cancel a job and the steps that no other job needs. A running step stops at its worker's next check.

    Raises:
        NotFoundError: No such job.
        ConflictError: It has ended.
    """
    with database.write() as session:
        job = _find(session, job_id)
        if job.state not in ACTIVE_STATES:
            raise ConflictError(f"{job_id} has already ended ({job.state.replace('_', ' ')}); accepted: an active job")
        job.state = "cancelled"
        job.finished_at = now
        for pipeline in job.pipelines:
            if pipeline.state in ACTIVE_STATES:
                pipeline.state = "cancelled"
        note_job(session, job, now)
        session.flush()
        ledger.cancel(session, needed_by_no_other_job(session, job), now)


def retry_job(database: Database, ledger: Ledger, job_id: str, now: datetime, *, by: Principal = LOCAL) -> None:
    """Run the steps again that failed or were cancelled; keep those that succeeded.

    Raises:
        NotFoundError: No such job.
        ConflictError: The job is active, all its steps have succeeded, or it was imported.
        QuotaError: The user has reached the limit of active jobs or stored bytes.
    """
    with database.write() as session:
        job = _find(session, job_id)
        if job.state in ACTIVE_STATES or job.state == "succeeded":
            raise ConflictError(
                f"{job_id} is {job.state}; accepted: a job that failed, partly succeeded or was cancelled"
            )
        check_not_imported(job)
        check_job_fits(session, by)
        job.state, job.finished_at, job.error = "queued", None, None
        _ask_planner_again(job, by)
        job.deadline_at = deadline_of(job.spec.limits, ledger.rules, now)
        for pipeline in job.pipelines:
            if pipeline.state != "succeeded":
                pipeline.state = "queued"
        note_job(session, job, now)
        session.flush()
        steps = list(dict.fromkeys(entry.step for pipeline in job.pipelines for entry in pipeline.steps))
        ledger.want(session, steps, now)
        follow_steps(session, steps, now)


def _ask_planner_again(job: JobRow, by: Principal) -> None:
    """Ask the planner again if the plan was not complete when the job ended, or was completed early."""
    if job.plan_error is not None:
        job.plan_complete, job.plan_error = False, None
    job.proposed_after = None
    if by.user == job.owner:
        job.max_bytes = by.max_bytes


def delete_job(database: Database, job_id: str) -> None:
    """Delete a job that has ended. Its steps are kept for other jobs; see `edgepress_api.garbage_collection`.

    Raises:
        NotFoundError: No such job.
        ConflictError: The job is active.
    """
    with database.write() as session:
        job = _find(session, job_id)
        if job.state in ACTIVE_STATES:
            raise ConflictError(f"{job_id} is {job.state}; accepted: a job that has ended, so cancel it first")
        forget_job(session, job)


def forget_job(session: Session, job: JobRow) -> None:
    """Delete a job that has ended; its idempotency key stays known."""
    if job.idempotency_key is not None:
        session.add(SpentKeyRow(idempotency_key=job.idempotency_key, job_id=job.id))
    session.delete(job)


def needed_by_no_other_job(session: Session, job: JobRow) -> Sequence[StepRow]:
    """Return the steps of the job that no other active job needs."""
    needed = select(PipelineStepRow.step_key).join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
    by_others = needed.join(JobRow, JobRow.number == PipelineRow.job_number).where(
        JobRow.number != job.number, JobRow.state.in_(ACTIVE_STATES)
    )
    by_this = needed.where(PipelineRow.job_number == job.number)
    return session.scalars(select(StepRow).where(StepRow.key.in_(by_this), StepRow.key.not_in(by_others))).all()


def _find(session: Session, job_id: str) -> JobRow:
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    return job
