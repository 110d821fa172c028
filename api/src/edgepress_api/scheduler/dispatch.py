"""Chooses the steps that workers get next.

Oldest job first. A queue holds only a few steps that nobody has begun on: enough that no worker waits, few enough that
order, cancelling and a lost queue stay cheap.
"""

from collections import Counter
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.database import Database, JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.devices.leasing import workers_must_rest
from edgepress_api.jobs.following import UNDER_WAY
from edgepress_api.steps.ledger import Ledger
from edgepress_common.messages import QUEUES, RunStep
from edgepress_common.steps import StepKind

_CANDIDATES = 50  # more than any queue takes in one turn


def choose_steps(database: Database, ledger: Ledger, now: datetime, *, ahead: int) -> list[RunStep]:
    """Marks the steps to send as sent, and returns their messages; to be sent once this has been committed.

    Args:
        database: Where the steps are.
        ledger: What moves them.
        now: The moment.
        ahead: Steps a queue may hold that nobody has begun on.
    """
    with database.read() as session:
        if not _candidates(session, now):
            return []  # most of the time
    with database.write() as session:
        limit = workers_must_rest(session, now)
        sent = Counter(QUEUES[kind] for kind in session.scalars(select(StepRow.kind).where(StepRow.state == "sent")))
        chosen = []
        for row, job_number in _candidates(session, now):
            queue = QUEUES[row.kind]
            if row.state == "ready" and (sent[queue] >= ahead or (limit is not None and job_number >= limit)):
                continue
            sent[queue] += row.state == "ready"
            if ledger.send(session, row, now):
                chosen.append(_message(session, row))
        return chosen


def _candidates(session: Session, now: datetime) -> list[tuple[StepRow, int]]:
    """Steps that are ready, or were sent and not begun on for too long, with the oldest job that needs each."""
    worker_kinds: list[StepKind] = list(QUEUES)
    oldest = (
        select(PipelineStepRow.step_key, func.min(JobRow.number).label("job_number"))
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .where(JobRow.state.in_(UNDER_WAY))
        .group_by(PipelineStepRow.step_key)
        .subquery()
    )
    query = (
        select(StepRow, oldest.c.job_number)
        .join(oldest, oldest.c.step_key == StepRow.key)
        .where(
            StepRow.kind.in_(worker_kinds),
            (StepRow.state == "ready") | ((StepRow.state == "sent") & (StepRow.due_at <= now)),
        )
        .order_by(oldest.c.job_number, StepRow.created_at, StepRow.title)
        .limit(_CANDIDATES)
    )
    return [(row, number) for row, number in session.execute(query)]


def _message(session: Session, row: StepRow) -> RunStep:
    entries = session.scalars(select(StepInputRow).where(StepInputRow.step_key == row.key)).all()
    return RunStep(
        step_key=row.key,
        attempt=row.attempt,
        parameters=row.parameters,
        inputs={entry.role: entry.source.outputs or {} for entry in entries},
        input_results={entry.role: entry.source.result for entry in entries if entry.source.result is not None},
    )
