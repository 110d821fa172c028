"""Stores the pipelines that a planner proposes, when the job is submitted and whenever its plan grows."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.jobs.progress import step_weight
from edgepress_api.steps.following import follow_job, follow_pipelines, note_plan, note_step
from edgepress_api.steps.ledger import Ledger
from edgepress_common.plan import Plan, PlannedPipeline
from edgepress_common.steps import EvaluationStep, PackStep, Step, StepKey


def store_plan(session: Session, ledger: Ledger, job: JobRow, plan: Plan, *, now: datetime) -> list[str]:
    """Add the pipelines of a plan to a job, and mark the job's plan complete if this one is.

    1. Pipelines that the job has already, by name, are left as they are: storing a plan twice is storing it once.
    2. Steps that the job does not have yet are scheduled; one that failed or was cancelled for another job runs again.
    3. Steps that the job has already stay as they are. If one has failed, the new steps that need it fail.

    Returns:
        Names of the pipelines that were added.
    """
    known = {pipeline.name for pipeline in job.pipelines}
    added = [pipeline for pipeline in plan.pipelines if pipeline.name not in known]
    job.plan_complete = plan.complete
    if not added and not plan.complete:
        return []
    had = _step_keys(session, job)
    needed = {key for pipeline in added for key in pipeline.steps}
    steps = [_stored_step(session, step, now) for step in plan.steps if step.key in needed]
    session.flush()
    pipelines = _append(job, added)
    session.flush()
    note_plan(session, job, [pipeline.name for pipeline in added], now)
    new = [step for step in steps if step.key not in had]
    ledger.want(session, new, now)
    ledger.fail_what_needs(session, [step for step in steps if step.key in had], now)
    for step in new:
        note_step(session, job, step, now)
    follow_pipelines(session, pipelines, now)
    follow_job(session, job, now)
    return [pipeline.name for pipeline in added]


def _append(job: JobRow, added: Sequence[PlannedPipeline]) -> list[PipelineRow]:
    first = len(job.pipelines)
    rows = [
        PipelineRow(
            position=first + place,
            name=pipeline.name,
            state="queued",
            trial=pipeline.trial,
            steps=[PipelineStepRow(position=at, step_key=key) for at, key in enumerate(pipeline.steps)],
        )
        for place, pipeline in enumerate(added)
    ]
    job.pipelines.extend(rows)
    return rows


def _step_keys(session: Session, job: JobRow) -> set[StepKey]:
    return set(
        session.scalars(
            select(PipelineStepRow.step_key)
            .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
            .where(PipelineRow.job_number == job.number)
        )
    )


def _stored_step(session: Session, step: Step, now: datetime) -> StepRow:
    row = session.get(StepRow, step.key)
    if row is None:
        device = step.parameters.device if isinstance(step.parameters, EvaluationStep) else None
        row = StepRow(
            key=step.key,
            kind=step.kind,
            title=step.title,
            parameters=step.parameters,
            device=device,
            weight=step_weight(step),
            state="waiting",
            attempt=0,
            failures=0,
            sends=0,
            created_at=now,
        )
        session.add(row)
        session.flush()
        session.add_all(StepInputRow(step_key=step.key, role=role, input_key=key) for role, key in step.inputs.items())
    elif isinstance(step.parameters, PackStep) and row.state != "succeeded":
        row.parameters = step.parameters  # the same images may lie elsewhere by now
    return row
