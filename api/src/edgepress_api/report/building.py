"""Reads the steps of a job from the database, and builds its report."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.recommendation.asking import AskedGoals
from edgepress_api.report.composing import compose_report
from edgepress_api.report.steps import ReportedJob, ReportedPipeline, ReportedStep
from edgepress_api.steps.plausible import shown_result
from edgepress_common.answers.job_list import JobSummary
from edgepress_common.answers.report import Report
from edgepress_common.errors import NotFoundError
from edgepress_common.steps import Role, StepKey


def build_report(session: Session, job_id: str, asked: AskedGoals | None = None) -> Report:
    """Return the report of a job with the results so far.

    Args:
        session: The database session.
        job_id: Id of the job.
        asked: Goals of the request, which override those of the spec.

    Raises:
        NotFoundError: No such job.
        InvalidQueryError: The goals contradict each other.
    """
    summary, job = read_job(session, job_id)
    return compose_report(summary, job, None if asked is None else asked.over(job.spec.all_goals()))


def read_job(session: Session, job_id: str) -> tuple[JobSummary, ReportedJob]:
    """Return a job with the results so far.

    Raises:
        NotFoundError: No such job.
    """
    # The state is read before the steps, so that a job that has ended has all of them.
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    summary = JobSummary(**{name: getattr(job, name) for name in JobSummary.model_fields})
    return summary, ReportedJob(spec=job.spec, pipelines=_pipelines(session, job.number))


def _pipelines(session: Session, job_number: int) -> tuple[ReportedPipeline, ...]:
    entries = session.execute(
        select(PipelineRow.position, PipelineRow.name, StepRow)
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .join(StepRow, StepRow.key == PipelineStepRow.step_key)
        .where(PipelineRow.job_number == job_number)
        .order_by(PipelineRow.position, PipelineStepRow.position)
    ).all()
    inputs = _inputs(session, job_number)
    origins = {row.key: row.origin_key for _, _, row in entries if row.origin_key is not None}
    found: dict[tuple[int, str], list[ReportedStep]] = defaultdict(list)
    for position, name, row in entries:
        found[position, name].append(_step(row, inputs[row.key], origins))
    return tuple(ReportedPipeline(name=name, steps=tuple(steps)) for (_, name), steps in found.items())


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


def _step(row: StepRow, inputs: dict[Role, StepKey], origins: Mapping[StepKey, StepKey]) -> ReportedStep:
    result, failure = shown_result(
        row.result if row.state == "succeeded" else None, row.failure if row.state == "failed" else None
    )
    return ReportedStep(
        key=row.key,
        title=row.title,
        parameters=row.parameters,
        inputs=inputs,
        result=result,
        failure=failure,
        seconds=_seconds(row) if row.state == "succeeded" else None,
        holder=row.holder,
        origin=None
        if row.origin_key is None
        else (row.origin_key, {role: origins[key] for role, key in inputs.items()}),
    )


def _seconds(row: StepRow) -> float | None:
    if row.started_at is None or row.finished_at is None:
        return None
    return (row.finished_at - row.started_at).total_seconds()
