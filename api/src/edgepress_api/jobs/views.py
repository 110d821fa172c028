"""Jobs as the outside sees them."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import LOCAL_USER, UserName
from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow, WebhookRow
from edgepress_api.database.tables import JobState, StepState, WebhookState
from edgepress_api.jobs.progress import job_progress
from edgepress_api.steps.states import ENDED
from edgepress_common.errors import FieldProblem, InvalidSpecError, NotFoundError
from edgepress_common.frozen import Frozen
from edgepress_common.messages import Outputs, Progress, StepFailure
from edgepress_common.results import StepResult
from edgepress_common.steps import Role, StepKey, StepKind


class StepView(Frozen):
    """A step of a job.

    Attributes:
        key: Its name; pipelines that share a step show the same key.
        kind: What kind of work it is.
        title: For people.
        state: ``waiting`` for its inputs, ``ready``, ``sent`` to a worker's queue, ``running``, or how it ended.
        attempt: Counted from 1; 0 before the first.
        device: Who may evaluate it: a device's name, or ``any``; None for a worker's step.
        holder: Worker or device that has it.
        due_at: For an evaluation that is ``ready`` and whose device is away, when it fails unless the device is back;
            for ``sent``, when it is sent again; for ``running``, when it goes to somebody else unless the holder is
            heard of.
        progress: How far it is.
        failure: Why it failed, or why its last attempt did.
    """

    key: StepKey
    kind: StepKind
    title: str
    state: StepState
    attempt: int
    holder: str | None
    progress: Progress | None
    failure: StepFailure | None
    started_at: datetime | None
    finished_at: datetime | None
    device: str | None = None
    due_at: datetime | None = None


class PipelineView(Frozen):
    """A pipeline of a job, with its steps in an order in which they can run."""

    name: str
    state: JobState
    steps: tuple[StepView, ...]


class WebhookView(Frozen):
    """Who is told when a job ends, and how that goes.

    Attributes:
        url: Where the word goes.
        state: ``waiting`` for the job's end, ``due`` until it is taken, ``delivered``, or ``failed``: given up.
        attempts: Times it was posted.
        due_at: When it is posted next.
        answer: How it was taken last.
    """

    url: str
    state: WebhookState
    attempts: int
    due_at: datetime | None
    answer: str | None
    delivered_at: datetime | None


class JobView(Frozen):
    """A job. ``progress`` goes from 0 to 1, by the work that its steps are expected to be; ``owner`` posted it."""

    id: str
    name: str
    owner: UserName = LOCAL_USER
    state: JobState
    progress: float
    created_at: datetime
    finished_at: datetime | None
    error: str | None
    webhook: WebhookView | None = None
    pipelines: tuple[PipelineView, ...]


class JobSummary(Frozen):
    """A job in a list."""

    id: str
    name: str
    owner: UserName = LOCAL_USER
    state: JobState
    created_at: datetime
    finished_at: datetime | None
    error: str | None


class JobPage(Frozen):
    """A page of jobs, the newest first. ``next_page_token`` is None on the last."""

    jobs: tuple[JobSummary, ...]
    next_page_token: str | None


class StepDetail(StepView):
    """A step with what it took, gave and found."""

    inputs: dict[Role, StepKey]
    outputs: Outputs | None
    result: StepResult | None


_SUMMARY_COLUMNS = (
    JobRow.id,
    JobRow.name,
    JobRow.owner,
    JobRow.state,
    JobRow.created_at,
    JobRow.finished_at,
    JobRow.error,
)

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


# Built once: building them takes as long as running them, and a status is asked for all the time.
_WEBHOOK_COLUMNS = (
    WebhookRow.url,
    WebhookRow.state,
    WebhookRow.attempts,
    WebhookRow.due_at,
    WebhookRow.answer,
    WebhookRow.delivered_at,
)
_ONE_JOB = (
    select(JobRow.number, *_SUMMARY_COLUMNS, *_WEBHOOK_COLUMNS)
    .outerjoin(WebhookRow, WebhookRow.job_number == JobRow.number)
    .where(JobRow.id == bindparam("job_id"))
)
_ITS_STEPS = (
    # Labelled: both have a state, and a row's `state` must be the step's.
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
    """A job with its pipelines and steps, in two queries however many there are.

    Raises:
        NotFoundError: No such job.
    """
    job = session.execute(_ONE_JOB, {"job_id": job_id}).one_or_none()
    if job is None:
        raise NotFoundError(f"no job {job_id!r}")
    rows = session.execute(_ITS_STEPS, {"job_number": job.number}).all()
    shares = {row.key: (row.weight, _share(row.state, row.progress)) for row in rows}
    pipelines = []
    for (_, name, state), group in groupby(rows, key=lambda row: tuple(row[:3])):
        pipelines.append(PipelineView(name=name, state=state, steps=tuple(_step_view(row[4:]) for row in group)))
    summary, webhook = job[1 : 1 + len(_SUMMARY_COLUMNS)], job[1 + len(_SUMMARY_COLUMNS) :]
    return JobView(
        **_summary(summary).model_dump(),
        progress=job_progress(shares.values()),
        webhook=_webhook_view(webhook),
        pipelines=tuple(pipelines),
    )


def list_jobs(
    session: Session,
    *,
    owner: str | None = None,
    page_size: int,
    page_token: str | None = None,
    state: JobState | None = None,
    name: str | None = None,
) -> JobPage:
    """A page of jobs, the newest first.

    Args:
        session: To read with.
        owner: Only this user's jobs; None for everybody's.
        page_size: Jobs on it at the most.
        page_token: Where the page before it ended; None for the first.
        state: Only jobs in this state.
        name: Only jobs of exactly this name.

    Raises:
        InvalidSpecError: The token is none that a page ended with.
    """
    query = select(JobRow.number, *_SUMMARY_COLUMNS).order_by(JobRow.number.desc()).limit(page_size + 1)
    if page_token is not None:
        query = query.where(JobRow.number < _read_token(page_token))
    if owner is not None:
        query = query.where(JobRow.owner == owner)
    if state is not None:
        query = query.where(JobRow.state == state)
    if name is not None:
        query = query.where(JobRow.name == name)
    rows = session.execute(query).all()
    page = rows[:page_size]
    return JobPage(
        jobs=tuple(_summary(row[1:]) for row in page),
        next_page_token=_write_token(page[-1].number) if len(rows) > page_size else None,
    )


def show_step(session: Session, key: str) -> StepDetail:
    """A step with what it took, gave and found.

    Raises:
        NotFoundError: No such step.
    """
    row = session.get(StepRow, key)
    if row is None:
        raise NotFoundError(f"no step {key!r}")
    inputs = session.scalars(select(StepInputRow).where(StepInputRow.step_key == key))
    return StepDetail(
        **{column.key: getattr(row, column.key) for column in _STEP_COLUMNS},
        inputs={entry.role: entry.input_key for entry in inputs},
        outputs=row.outputs,
        result=row.result,
    )


def _summary(values: Sequence[Any]) -> JobSummary:
    return JobSummary(**{column.key: value for column, value in zip(_SUMMARY_COLUMNS, values, strict=True)})


def _webhook_view(values: Sequence[Any]) -> WebhookView | None:
    found = {column.key: value for column, value in zip(_WEBHOOK_COLUMNS, values, strict=True)}
    return None if found["url"] is None else WebhookView(**found)


def _step_view(values: Sequence[Any]) -> StepView:
    return StepView(**{column.key: value for column, value in zip(_STEP_COLUMNS, values, strict=True)})


def _share(state: StepState, progress: Progress | None) -> float:
    if state in ENDED:
        return 1.0
    return progress.fraction if state == "running" and progress else 0.0


def _write_token(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode()


def _read_token(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode("ascii"))
    except (binascii.Error, ValueError):
        raise InvalidSpecError(
            [FieldProblem(field="page_token", value=token, message="not a page token", accepted="a next_page_token")]
        ) from None
