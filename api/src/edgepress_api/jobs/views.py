"""Jobs as the API returns them."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow, WebhookRow
from edgepress_api.database.page_tokens import read_page_token, write_page_token
from edgepress_api.jobs.filters import JobFilters
from edgepress_api.jobs.progress import job_progress, step_share
from edgepress_api.steps.plausible import shown_result
from edgepress_common.answers.job_list import JobPage, JobSummary
from edgepress_common.answers.jobs import JobView, PipelineView, StepDetail, StepView, WebhookView
from edgepress_common.errors import NotFoundError

_ALL_JOBS = JobFilters()

View = TypeVar("View", JobSummary, StepView, WebhookView)

SUMMARY_COLUMNS = tuple(getattr(JobRow, name) for name in JobSummary.model_fields)
"""Columns of a job that `summary_of` reads."""

_STEP_COLUMNS = (
    StepRow.key,
    StepRow.kind,
    StepRow.title,
    StepRow.state,
    StepRow.attempt,
    StepRow.holder,
    StepRow.progress,
    StepRow.failure,
    StepRow.started_at,
    StepRow.finished_at,
    StepRow.device,
    StepRow.due_at,
)


# Built once: building them takes as long as running them, and clients poll the status often.
_WEBHOOK_COLUMNS = (
    WebhookRow.url,
    WebhookRow.state,
    WebhookRow.attempts,
    WebhookRow.due_at,
    WebhookRow.answer,
    WebhookRow.delivered_at,
)
_ONE_JOB = (
    select(JobRow.number, JobRow.plan_complete, JobRow.notes, *SUMMARY_COLUMNS, *_WEBHOOK_COLUMNS)
    .outerjoin(WebhookRow, WebhookRow.job_number == JobRow.number)
    .where(JobRow.id == bindparam("job_id"))
)
_ITS_STEPS = (
    # Labelled: pipelines and steps both have a state, and a row's `state` must be the step's.
    select(
        PipelineRow.position,
        PipelineRow.name,
        PipelineRow.state.label("pipeline_state"),
        StepRow.weight,
        *_STEP_COLUMNS,
    )
    .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
    .join(StepRow, StepRow.key == PipelineStepRow.step_key)
    .where(PipelineRow.job_number == bindparam("job_number"))
    .order_by(PipelineRow.position, PipelineStepRow.position)
)


def show_job(session: Session, job_id: str) -> JobView:
    """Return a job with its pipelines and steps, in two queries regardless of their number.

    Raises:
        NotFoundError: No such job.
    """
    job = session.execute(_ONE_JOB, {"job_id": job_id}).one_or_none()
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    rows = session.execute(_ITS_STEPS, {"job_number": job.number}).all()
    shares = {row.key: (row.weight, step_share(row.state, row.progress)) for row in rows}
    pipelines = []
    for (_, name, state), group in groupby(rows, key=lambda row: tuple(row[:3])):
        pipelines.append(
            PipelineView(name=name, state=state, steps=tuple(_view(StepView, _STEP_COLUMNS, row[4:]) for row in group))
        )
    columns = job[3:]
    summary, webhook = columns[: len(SUMMARY_COLUMNS)], columns[len(SUMMARY_COLUMNS) :]
    return JobView(
        **summary_of(summary).model_dump(),
        progress=job_progress(shares.values(), plan_complete=job.plan_complete),
        plan_complete=job.plan_complete,
        notes=job.notes,
        webhook=None if webhook[0] is None else _view(WebhookView, _WEBHOOK_COLUMNS, webhook),
        pipelines=tuple(pipelines),
    )


def list_jobs(
    session: Session,
    *,
    owner: str | None = None,
    page_size: int,
    page_token: str | None = None,
    filters: JobFilters = _ALL_JOBS,
) -> JobPage:
    """Return a page of jobs, the newest first.

    Args:
        session: The database session.
        owner: Only jobs of this user; None for all users.
        page_size: Maximum number of jobs.
        page_token: The token of the previous page; None for the first page.
        filters: Which of them.

    Raises:
        InvalidQueryError: The token is not of a page with the same filters.
    """
    listing = {"of": "jobs", "owner": owner, **filters.as_listing()}
    query = select(JobRow.number, *SUMMARY_COLUMNS).order_by(JobRow.number.desc()).limit(page_size + 1)
    if page_token is not None:
        query = query.where(JobRow.number < read_page_token(page_token, int, **listing))
    if owner is not None:
        query = query.where(JobRow.owner == owner)
    rows = session.execute(filters.applied_to(query)).all()
    page = rows[:page_size]
    return JobPage(
        jobs=tuple(summary_of(row[1:]) for row in page),
        next_page_token=write_page_token(str(page[-1].number), **listing) if len(rows) > page_size else None,
    )


def show_step(session: Session, key: str) -> StepDetail:
    """Return a step with its inputs, outputs and result.

    Raises:
        NotFoundError: No such step.
    """
    row = session.get(StepRow, key)
    if row is None:
        raise NotFoundError(f"step {key!r} does not exist")
    inputs = session.scalars(select(StepInputRow).where(StepInputRow.step_key == key))
    result, failure = shown_result(row.result, row.failure)
    return StepDetail(
        **{column.key: getattr(row, column.key) for column in _STEP_COLUMNS} | {"failure": failure},
        inputs={entry.role: entry.input_key for entry in inputs},
        outputs=row.outputs,
        result=result,
    )


def summary_of(values: Sequence[Any]) -> JobSummary:
    """Return a job in a list, from the values of `SUMMARY_COLUMNS`."""
    return _view(JobSummary, SUMMARY_COLUMNS, values)


def _view(type_: type[View], columns: Sequence[Any], values: Sequence[Any]) -> View:
    return type_(**{column.key: value for column, value in zip(columns, values, strict=True)})
