"""Reads the events of a job since the last one that a client has received."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import EventRow, JobRow, PipelineRow, PipelineStepRow, StepRow
from edgepress_api.jobs.views import show_job
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.answers.jobs import JobEvent, JobProgress, RunningStep
from edgepress_common.errors import NotFoundError
from edgepress_common.frozen import Frozen

_LARGEST_ID = 2**31 - 1  # of an event, as PostgreSQL stores it; it refuses to compare with a larger number
_BATCH = 500  # events read at once: a job of a thousand steps has several thousand


class Glance(Frozen):
    """New events of a job, and its progress.

    Attributes:
        events: The new events, the oldest first.
        progress: The progress of the job; None once it has ended, if there are more events to read, or if it can't have
            changed since the known event, as no step runs.
        is_last: Whether there will be no more events, unless the job is retried.
    """

    events: tuple[JobEvent, ...]
    progress: JobProgress | None
    is_last: bool


def look_at_job(session: Session, job_id: str, *, after: int) -> Glance:
    """Return the events of a job after a given one.

    Args:
        session: The database session.
        job_id: Id of the job.
        after: Number of the last event that the client has; 0 for none.

    Raises:
        NotFoundError: No such job.
    """
    # The state is read before the events, so that the events include the one that ended the job.
    job = session.execute(select(JobRow.number, JobRow.state).where(JobRow.id == job_id)).one_or_none()
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    rows = session.scalars(
        select(EventRow)
        .where(EventRow.job_number == job.number, EventRow.id > min(after, _LARGEST_ID))
        .order_by(EventRow.id)
        .limit(_BATCH + 1)
    ).all()
    has_ended, has_more = job.state not in ACTIVE_STATES, len(rows) > _BATCH
    is_same = not rows and not _has_running_step(session, job.number)
    return Glance(
        events=tuple(_event(row) for row in rows[:_BATCH]),
        progress=None if has_ended or has_more or is_same else _progress(session, job_id),
        is_last=has_ended and not has_more,
    )


def _has_running_step(session: Session, job_number: int) -> bool:
    running = (
        select(StepRow.key)
        .join(PipelineStepRow, PipelineStepRow.step_key == StepRow.key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .where(PipelineRow.job_number == job_number, StepRow.state == "running")
        .limit(1)
    )
    return session.scalar(running) is not None


def _event(row: EventRow) -> JobEvent:
    return JobEvent.model_validate({"id": row.id, "type": row.type, "at": row.created_at, "data": row.data})


def _progress(session: Session, job_id: str) -> JobProgress:
    job = show_job(session, job_id)
    steps = {step.key: step for pipeline in job.pipelines for step in pipeline.steps if step.state == "running"}
    return JobProgress(
        progress=job.progress,
        running=tuple(
            RunningStep(key=step.key, title=step.title, holder=step.holder, progress=step.progress)
            for step in steps.values()
        ),
    )
