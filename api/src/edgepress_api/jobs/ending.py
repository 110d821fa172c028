"""Cancelling, retrying and deleting jobs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import LOCAL, Principal
from edgepress_api.access.quotas import check_job_fits
from edgepress_api.database import Database, JobRow, PipelineRow, PipelineStepRow, StepRow
from edgepress_api.jobs.deadline import deadline_of
from edgepress_api.jobs.following import UNDER_WAY, follow_steps, note_job
from edgepress_api.steps.ledger import Ledger
from edgepress_common.errors import ConflictError, NotFoundError


def cancel_job(database: Database, ledger: Ledger, job_id: str, now: datetime) -> None:
    """Stops a job: steps that no other job needs are given up, those under way at the worker's next look.

    Raises:
        NotFoundError: No such job.
        ConflictError: It has ended.
    """
    with database.write() as session:
        job = _find(session, job_id)
        if job.state not in UNDER_WAY:
            raise ConflictError(
                f"{job_id} has {job.state.replace('_', ' ')} already; accepted: a job that is under way"
            )
        job.state = "cancelled"
        job.finished_at = now
        for pipeline in job.pipelines:
            if pipeline.state in UNDER_WAY:
                pipeline.state = "cancelled"
        note_job(session, job, now)
        session.flush()
        ledger.cancel(session, needed_by_nobody_else(session, job), now)


def retry_job(database: Database, ledger: Ledger, job_id: str, now: datetime, *, by: Principal = LOCAL) -> None:
    """Takes up again what failed or was cancelled; what succeeded stays.

    Raises:
        NotFoundError: No such job.
        ConflictError: It is under way, or has nothing left to do.
        QuotaError: The user has as much as they may.
    """
    with database.write() as session:
        job = _find(session, job_id)
        if job.state in UNDER_WAY or job.state == "succeeded":
            raise ConflictError(
                f"{job_id} is {job.state}; accepted: a job that failed, partly succeeded or was cancelled"
            )
        check_job_fits(session, by)
        job.state, job.finished_at, job.error = "queued", None, None
        job.deadline_at = deadline_of(job.spec.limits, ledger.rules, now)
        for pipeline in job.pipelines:
            if pipeline.state != "succeeded":
                pipeline.state = "queued"
        note_job(session, job, now)
        session.flush()
        steps = list(dict.fromkeys(entry.step for pipeline in job.pipelines for entry in pipeline.steps))
        ledger.want(session, steps, now)
        follow_steps(session, steps, now)


def delete_job(database: Database, job_id: str) -> None:
    """Forgets a job that has ended. Its steps stay for jobs that need the same; see `edgepress_api.cleaning`.

    Raises:
        NotFoundError: No such job.
        ConflictError: It is under way.
    """
    with database.write() as session:
        job = _find(session, job_id)
        if job.state in UNDER_WAY:
            raise ConflictError(f"{job_id} is {job.state}; accepted: a job that has ended, so cancel it first")
        session.delete(job)


def needed_by_nobody_else(session: Session, job: JobRow) -> Sequence[StepRow]:
    """The job's steps, without those of another job that is under way."""
    needed = select(PipelineStepRow.step_key).join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
    by_others = needed.join(JobRow, JobRow.number == PipelineRow.job_number).where(
        JobRow.number != job.number, JobRow.state.in_(UNDER_WAY)
    )
    by_this = needed.where(PipelineRow.job_number == job.number)
    return session.scalars(select(StepRow).where(StepRow.key.in_(by_this), StepRow.key.not_in(by_others))).all()


def _find(session: Session, job_id: str) -> JobRow:
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"no job {job_id!r}")
    return job
