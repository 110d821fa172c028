"""Reads the plan of a job: its steps and their inputs."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_common.errors import NotFoundError
from edgepress_common.plan import Plan, PlannedPipeline
from edgepress_common.steps import Role, Step, StepKey
from edgepress_common.trial import Trial


def show_plan(session: Session, job_id: str) -> Plan:
    """Return the graph of steps, without their progress, which is in `edgepress_api.jobs.views`.

    Raises:
        NotFoundError: No such job.
    """
    job = session.execute(select(JobRow.number, JobRow.plan_complete).where(JobRow.id == job_id)).one_or_none()
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    number, complete = job
    needs: dict[str, list[StepKey]] = {}
    steps: dict[StepKey, Step] = {}
    trials: dict[str, Trial | None] = {}
    inputs = _inputs(session, number)
    for pipeline, trial, key, title, parameters in session.execute(
        select(PipelineRow.name, PipelineRow.trial, StepRow.key, StepRow.title, StepRow.parameters)
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .join(StepRow, StepRow.key == PipelineStepRow.step_key)
        .where(PipelineRow.job_number == number)
        .order_by(PipelineRow.position, PipelineStepRow.position)
    ):
        needs.setdefault(pipeline, []).append(key)
        trials[pipeline] = trial
        steps[key] = Step(key=key, title=title, parameters=parameters, inputs=inputs.get(key, {}))
    pipelines = tuple(PlannedPipeline(name=name, steps=tuple(keys), trial=trials[name]) for name, keys in needs.items())
    return Plan(steps=tuple(steps.values()), pipelines=pipelines, complete=complete)


def _inputs(session: Session, job_number: int) -> dict[StepKey, dict[Role, StepKey]]:
    found: dict[StepKey, dict[Role, StepKey]] = {}
    needed = (
        select(PipelineStepRow.step_key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .where(PipelineRow.job_number == job_number)
    )
    for entry in session.scalars(select(StepInputRow).where(StepInputRow.step_key.in_(needed))):
        found.setdefault(entry.step_key, {})[entry.role] = entry.input_key
    return found
