"""When the pipelines of a job ended, and how much work had been done by then."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepRow
from edgepress_common.answers.job_list import ACTIVE_STATES


@dataclass(frozen=True)
class End:
    """The end of a pipeline.

    Attributes:
        at: When its last step ended. It may be before the job, which then found all steps done.
        hours: Hours of work on the steps of the job that had ended by then, without work from before the job.
    """

    at: datetime
    hours: float


def find_ends(session: Session, job_number: int) -> dict[str, End]:
    """Return the end of each pipeline that has ended, by name."""
    rows = session.execute(
        select(
            PipelineRow.name,
            PipelineRow.state,
            JobRow.created_at,
            StepRow.key,
            StepRow.started_at,
            StepRow.finished_at,
        )
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .join(StepRow, StepRow.key == PipelineStepRow.step_key)
        .where(PipelineRow.job_number == job_number, StepRow.finished_at.is_not(None))
    ).all()
    work = {
        row.key: (row.finished_at, (row.finished_at - row.started_at).total_seconds() / 3600)
        for row in rows
        if row.started_at is not None and row.started_at >= row.created_at
    }
    ordered = sorted(work.values())
    moments, spent = [at for at, _ in ordered], [0.0, *accumulate(hours for _, hours in ordered)]
    last: dict[str, datetime] = {}
    for row in rows:
        if row.state not in ACTIVE_STATES:
            last[row.name] = max(last.get(row.name, row.finished_at), row.finished_at)
    return {name: End(at, spent[bisect_right(moments, at)]) for name, at in last.items()}
