"""What the change of a step means for the pipelines and jobs that need it.

A pipeline or job that has ended stays as it ended, whatever becomes of a step it shared with others.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import EventRow, JobRow, PipelineRow, PipelineStepRow, StepRow, WebhookRow
from edgepress_api.database.tables import EventType, JobState, StepState
from edgepress_api.steps.states import ENDED
from edgepress_common.messages import Progress

UNDER_WAY: tuple[JobState, ...] = ("queued", "running")


def follow_steps(session: Session, rows: Sequence[StepRow], now: datetime) -> None:
    """Brings pipelines and jobs up to date after these steps have changed, and notes it for those who watch."""
    session.flush()
    keys = [row.key for row in rows]
    needing = select(PipelineStepRow.pipeline_id).where(PipelineStepRow.step_key.in_(keys))
    pipelines = session.scalars(
        select(PipelineRow)
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .where(PipelineRow.id.in_(needing), JobRow.state.in_(UNDER_WAY), PipelineRow.state.in_(UNDER_WAY))
    ).all()
    jobs = {pipeline.job_number: pipeline.job for pipeline in pipelines}
    for job in jobs.values():
        for row in rows:
            _note(session, job, "step", now, step=row.key, title=row.title, state=row.state, attempt=row.attempt)
    for pipeline in pipelines:
        _follow_pipeline(session, pipeline, now)
    for job in jobs.values():
        follow_job(session, job, now)


def follow_job(session: Session, job: JobRow, now: datetime) -> None:
    """Brings a job's state up to date with its pipelines'."""
    state = job_state([pipeline.state for pipeline in job.pipelines])
    if state == job.state:
        return
    job.state = state
    if state not in UNDER_WAY:
        job.finished_at = now
        job.error = _error(job)
    note_job(session, job, now)


def note_epoch(session: Session, row: StepRow, progress: Progress, now: datetime) -> None:
    """Notes a finished epoch for those who watch a job that needs this step."""
    for job in jobs_under_way(session, row.key):
        _note(
            session,
            job,
            "epoch",
            now,
            step=row.key,
            title=row.title,
            epoch=progress.epoch,
            epochs=progress.epochs,
            metrics=progress.metrics,
        )


def note_job(session: Session, job: JobRow, now: datetime) -> None:
    """Notes a job's state for those who watch it, and for its webhook."""
    _note(session, job, "job", now, state=job.state)
    _follow_webhook(session, job, now)


def jobs_under_way(session: Session, step_key: str) -> Iterable[JobRow]:
    """Jobs that have not ended and need a step."""
    needing = (
        select(PipelineRow.job_number)
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .where(PipelineStepRow.step_key == step_key)
    )
    return session.scalars(select(JobRow).where(JobRow.number.in_(needing), JobRow.state.in_(UNDER_WAY)))


def pipeline_state(steps: Sequence[tuple[str, StepState]]) -> JobState:
    """The state of a pipeline from its steps, each with its kind.

    One whose steps did not all succeed still has something to show once an evaluation has: it partly succeeded.
    """
    found = {state for _, state in steps}
    if found <= {"waiting", "ready", "sent"}:
        return "queued"
    if not found <= ENDED:
        return "running"
    if found == {"succeeded"}:
        return "succeeded"
    if ("evaluation", "succeeded") in steps:
        return "partly_succeeded"
    return "failed" if "failed" in found else "cancelled"


def job_state(pipelines: Sequence[JobState]) -> JobState:
    """The state of a job from its pipelines'."""
    found = set(pipelines)
    if found & set(UNDER_WAY):
        return "queued" if found == {"queued"} else "running"
    if len(found) == 1:
        return found.pop()
    return "partly_succeeded" if found & {"succeeded", "partly_succeeded"} else "failed"


def _follow_pipeline(session: Session, pipeline: PipelineRow, now: datetime) -> None:
    steps = session.execute(
        select(StepRow.kind, StepRow.state)
        .join(PipelineStepRow, PipelineStepRow.step_key == StepRow.key)
        .where(PipelineStepRow.pipeline_id == pipeline.id)
    ).all()
    state = pipeline_state([(kind, state) for kind, state in steps])
    if state != pipeline.state:
        pipeline.state = state
        _note(session, pipeline.job, "pipeline", now, pipeline=pipeline.name, state=state)


def _error(job: JobRow) -> str | None:
    if job.state in {"succeeded", "cancelled"}:
        return None
    reasons = {
        entry.step.failure.message: entry.step.title
        for pipeline in job.pipelines
        for entry in pipeline.steps
        if entry.step.state == "failed" and entry.step.failure and entry.step.failure.code != "input_failed"
    }
    return "; ".join(f"{title}: {message}" for message, title in reasons.items()) or None


def _follow_webhook(session: Session, job: JobRow, now: datetime) -> None:
    """A job that has ended is to be told of; one that is taken up again, no longer."""
    webhook = session.get(WebhookRow, job.number)
    if webhook is None:
        return
    if job.state in UNDER_WAY:
        webhook.state, webhook.due_at = "waiting", None
        return
    webhook.state, webhook.due_at, webhook.attempts = "due", now, 0
    webhook.word_id = f"word-{secrets.token_hex(8)}"
    webhook.answer = webhook.delivered_at = None


def _note(session: Session, job: JobRow, type_: EventType, now: datetime, **data: object) -> None:
    session.add(EventRow(job_number=job.number, type=type_, data=data, created_at=now))
