"""Fetches a job's steps, and has a report made of them."""

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.jobs.following import UNDER_WAY
from edgepress_api.jobs.views import JobSummary
from edgepress_api.report.baselines import find_baselines
from edgepress_api.report.document import DatasetSummary, Report
from edgepress_api.report.records import find_failures, find_pack, find_trainings
from edgepress_api.report.rows import find_rows
from edgepress_api.report.steps import ReportedPipeline, ReportedStep
from edgepress_common.errors import NotFoundError
from edgepress_common.results import EvaluationResult, PackResult
from edgepress_common.spec import JobSpec
from edgepress_common.steps import EvaluationStep, Role, StepKey


def build_report(session: Session, job_id: str) -> Report:
    """A job's report, of what there is so far.

    Raises:
        NotFoundError: No such job.
    """
    # The state is read before the steps: a report that is complete has all of them.
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"no job {job_id!r}")
    pipelines = _pipelines(session, job.number)
    steps = {step.key: step for pipeline in pipelines for step in pipeline.steps}
    baselines = find_baselines(pipelines)
    pack = find_pack(pipelines)
    return Report(
        job=JobSummary(**{name: getattr(job, name) for name in JobSummary.model_fields}),
        complete=job.state not in UNDER_WAY,
        evaluations_done=sum(isinstance(step.result, EvaluationResult) for step in steps.values()),
        evaluations_planned=sum(isinstance(step.parameters, EvaluationStep) for step in steps.values()),
        spec=job.spec,
        dataset=None if pack is None else _dataset(job.spec, pack),
        baselines=baselines,
        trainings=find_trainings(pipelines),
        rows=find_rows(pipelines, baselines),
        failures=find_failures(pipelines),
    )


def _pipelines(session: Session, job_number: int) -> list[ReportedPipeline]:
    entries = session.execute(
        select(PipelineRow.position, PipelineRow.name, StepRow)
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .join(StepRow, StepRow.key == PipelineStepRow.step_key)
        .where(PipelineRow.job_number == job_number)
        .order_by(PipelineRow.position, PipelineStepRow.position)
    ).all()
    inputs = _inputs(session, job_number)
    found: dict[tuple[int, str], list[ReportedStep]] = defaultdict(list)
    for position, name, row in entries:
        found[position, name].append(_step(row, inputs[row.key]))
    return [ReportedPipeline(name=name, steps=tuple(steps)) for (_, name), steps in found.items()]


def _inputs(session: Session, job_number: int) -> dict[StepKey, dict[Role, StepKey]]:
    keys = (
        select(PipelineStepRow.step_key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .where(PipelineRow.job_number == job_number)
    )
    found: dict[StepKey, dict[Role, StepKey]] = defaultdict(dict)
    for entry in session.scalars(select(StepInputRow).where(StepInputRow.step_key.in_(keys))):
        found[entry.step_key][entry.role] = entry.input_key
    return found


def _step(row: StepRow, inputs: dict[Role, StepKey]) -> ReportedStep:
    return ReportedStep(
        key=row.key,
        title=row.title,
        parameters=row.parameters,
        inputs=inputs,
        result=row.result if row.state == "succeeded" else None,
        failure=row.failure if row.state == "failed" else None,
    )


def _dataset(spec: JobSpec, pack: PackResult) -> DatasetSummary:
    return DatasetSummary(
        kind=spec.dataset.kind,
        image_size=spec.dataset.image_size,
        classes=pack.classes,
        train_counts=pack.train_counts,
        validation_counts=pack.validation_counts,
        unreadable_count=pack.unreadable_count,
        unreadable=pack.unreadable,
    )
