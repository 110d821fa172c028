"""What has happened to a job since somebody looked last."""

from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import EventRow, JobRow
from edgepress_api.database.tables import EventType
from edgepress_api.jobs.following import UNDER_WAY
from edgepress_api.jobs.views import show_job
from edgepress_common.errors import NotFoundError
from edgepress_common.frozen import Frozen
from edgepress_common.messages import Progress
from edgepress_common.steps import StepKey

_BATCH = 500  # events read at once: a job of a thousand steps has some thousands


class JobEvent(Frozen):
    """Something that happened to a job.

    Attributes:
        id: Counts up, with gaps.
        type: ``job``, ``pipeline`` or ``step`` for a new state, ``epoch`` for an epoch done.
        at: When.
        data: What it is about.
    """

    id: int
    type: EventType
    at: datetime
    data: dict[str, JsonValue]


class RunningStep(Frozen):
    """A step that somebody is working on."""

    key: StepKey
    title: str
    holder: str | None
    progress: Progress | None


class JobProgress(Frozen):
    """How far a job is at the moment, 0 to 1, and what is being worked on."""

    progress: float
    running: tuple[RunningStep, ...]


class Glance(Frozen):
    """One look at a job.

    Attributes:
        events: What has happened since the last look, the oldest first.
        progress: How far it is; None once it has ended.
        is_last: Whether nothing more will happen, unless the job is retried.
    """

    events: tuple[JobEvent, ...]
    progress: JobProgress | None
    is_last: bool


def look_at_job(session: Session, job_id: str, *, after: int) -> Glance:
    """What has happened to a job since an event.

    Args:
        session: To read with.
        job_id: Which job.
        after: The last event that is known; 0 for none.

    Raises:
        NotFoundError: No such job.
    """
    # The state is read before the events: whatever ended the job is then among them.
    job = session.execute(select(JobRow.number, JobRow.state).where(JobRow.id == job_id)).one_or_none()
    if job is None:
        raise NotFoundError(f"no job {job_id!r}")
    rows = session.scalars(
        select(EventRow)
        .where(EventRow.job_number == job.number, EventRow.id > after)
        .order_by(EventRow.id)
        .limit(_BATCH + 1)
    ).all()
    has_ended = job.state not in UNDER_WAY
    return Glance(
        events=tuple(_event(row) for row in rows[:_BATCH]),
        progress=None if has_ended else _progress(session, job_id),
        is_last=has_ended and len(rows) <= _BATCH,
    )


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
