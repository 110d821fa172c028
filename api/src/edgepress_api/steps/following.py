"""Updates pipelines and jobs after a change of a step that they need.

A pipeline or job that has ended keeps its state, also if a step that it shared with others changes.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import EventRow, JobRow, PipelineRow, PipelineStepRow, StepRow, WebhookRow
from edgepress_api.steps.notices import follow_recipients
from edgepress_api.steps.states import ENDED
from edgepress_common.answers.job_list import ACTIVE_STATES, JobState
from edgepress_common.answers.jobs import EventType, StepState
from edgepress_common.messages import Progress


def follow_steps(session: Session, rows: Sequence[StepRow], now: datetime) -> None:
    """Update pipelines and jobs after these steps have changed, and record the events for clients that watch."""
    session.flush()
    keys = [row.key for row in rows]
    needing = select(PipelineStepRow.pipeline_id).where(PipelineStepRow.step_key.in_(keys))
    pipelines = session.scalars(
        select(PipelineRow)
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .where(PipelineRow.id.in_(needing), JobRow.state.in_(ACTIVE_STATES), PipelineRow.state.in_(ACTIVE_STATES))
    ).all()
    jobs = {pipeline.job_number: pipeline.job for pipeline in pipelines}
    for job in jobs.values():
        for row in rows:
            note_step(session, job, row, now)
    follow_pipelines(session, pipelines, now)
    for job in jobs.values():
        follow_job(session, job, now)


def follow_pipelines(session: Session, pipelines: Iterable[PipelineRow], now: datetime) -> None:
    """Update the states of pipelines from the states of their steps."""
    for pipeline in pipelines:
        _follow_pipeline(session, pipeline, now)


def follow_job(session: Session, job: JobRow, now: datetime) -> None:
    """Update the state of a job from its pipelines and its plan."""
    states = [pipeline.state for pipeline in job.pipelines]
    state = job_state(states, plan_complete=job.plan_complete, is_cut_short=job.plan_error is not None)
    if state == job.state:
        return
    job.state = state
    if state not in ACTIVE_STATES:
        job.finished_at = now
        job.error = _error(job)
    note_job(session, job, now)


def note_epoch(session: Session, row: StepRow, progress: Progress, now: datetime) -> None:
    """Record a finished epoch as an event of the jobs that need this step."""
    for job in active_jobs(session, row.key):
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
    """Record a job's state as an event, and for its webhook and recipients."""
    _note(session, job, "job", now, state=job.state)
    _follow_webhook(session, job, now)
    follow_recipients(session, job, now)


def note_plan(session: Session, job: JobRow, added: Sequence[str], now: datetime) -> None:
    """Record the event that pipelines were added to a job's plan, or that the plan is complete."""
    _note(session, job, "plan", now, pipelines=list(added), complete=job.plan_complete)


def note_step(session: Session, job: JobRow, row: StepRow, now: datetime) -> None:
    """Record the state of a step as an event of a job, with the reason where an attempt failed."""
    reason = {} if row.failure is None else {"reason": row.failure.message}
    _note(session, job, "step", now, step=row.key, title=row.title, state=row.state, attempt=row.attempt, **reason)


def active_jobs(session: Session, step_key: str) -> Iterable[JobRow]:
    """Return the active jobs that need a step."""
    needing = (
        select(PipelineRow.job_number)
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .where(PipelineStepRow.step_key == step_key)
    )
    return session.scalars(select(JobRow).where(JobRow.number.in_(needing), JobRow.state.in_(ACTIVE_STATES)))


def pipeline_state(steps: Sequence[tuple[str, StepState]]) -> JobState:
    """Return the state of a pipeline from the kinds and states of its steps.

    A pipeline with failed steps has partly succeeded if one of its evaluations succeeded.
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


def job_state(pipelines: Sequence[JobState], *, plan_complete: bool = True, is_cut_short: bool = False) -> JobState:
    """Return the state of a job.

    Args:
        pipelines: States of its pipelines.
        plan_complete: Whether its planner adds no more pipelines; until then the job has not ended.
        is_cut_short: Whether the plan ended before its planner was done: then the job has not succeeded.
    """
    found = set(pipelines)
    if found <= {"queued"} and not (plan_complete and not found):
        return "queued"
    if found & set(ACTIVE_STATES) or not plan_complete:
        return "running"
    if len(found) == 1 and not (is_cut_short and found == {"succeeded"}):
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
    failures = [f"{title}: {message}" for message, title in reasons.items()]
    return "; ".join([*failures, *([job.plan_error] if job.plan_error else [])]) or None


def _follow_webhook(session: Session, job: JobRow, now: datetime) -> None:
    """Make the webhook of an ended job due; reset that of a job that was started again."""
    webhook = session.get(WebhookRow, job.number)
    if webhook is None:
        return
    if job.state in ACTIVE_STATES:
        webhook.state, webhook.due_at = "waiting", None
        return
    webhook.state, webhook.due_at, webhook.attempts = "due", now, 0
    webhook.word_id = f"word-{secrets.token_hex(8)}"
    webhook.answer = webhook.delivered_at = None


def _note(session: Session, job: JobRow, type_: EventType, now: datetime, **data: object) -> None:
    session.add(EventRow(job_number=job.number, type=type_, data=data, created_at=now))
