"""Chooses the steps that workers get next.

Users take turns (`edgepress_api.scheduler.fair_scheduling`), each user's oldest job first. A queue holds only a few
steps that no worker has begun: enough that no worker waits, few enough that order, cancelling and a lost queue stay
cheap.
"""

from collections import Counter
from datetime import datetime
from itertools import chain

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.access.quotas import most_bytes_of_step
from edgepress_api.database import Database, JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.devices.leasing import workers_must_rest
from edgepress_api.scheduler.fair_scheduling import Wanted, fair_order
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.messages import QUEUES, RunStep
from edgepress_common.steps import StepKind

_CANDIDATES = 50  # of each user: more than any queue needs in one turn

_WORKER_KINDS: list[StepKind] = list(QUEUES)
_QUEUES = sorted(set(QUEUES.values()))

# Which user wants which step, with the oldest of their jobs that does.
_WANTED = (
    select(PipelineStepRow.step_key, JobRow.owner, func.min(JobRow.number).label("job_number"))
    .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
    .join(JobRow, JobRow.number == PipelineRow.job_number)
    .where(JobRow.state.in_(ACTIVE_STATES))
    .group_by(PipelineStepRow.step_key, JobRow.owner)
    .subquery()
)


def choose_steps(database: Database, ledger: Ledger, now: datetime, *, ahead: int) -> list[RunStep]:
    """Mark the steps to send as sent, and return their messages; send them once this is committed.

    Args:
        database: The database of the steps.
        ledger: The ledger that changes their states.
        now: The current time.
        ahead: Maximum number of steps in a queue that no worker has begun.
    """
    with database.read() as session:
        if not _candidates(session, now):
            return []  # most of the time
    with database.write() as session:
        limit = workers_must_rest(session, now)
        sent = Counter(QUEUES[kind] for kind in session.scalars(select(StepRow.kind).where(StepRow.state == "sent")))
        wanted, active, last_begun = _candidates(session, now), _active(session), _last_begun(session)
        by_queue = [[each for each in wanted if QUEUES[each.step.kind] == queue] for queue in _QUEUES]
        chosen = []
        for row, job_number, _ in chain.from_iterable(fair_order(part, active, last_begun) for part in by_queue):
            queue = QUEUES[row.kind]
            if row.state == "ready" and (sent[queue] >= ahead or (limit is not None and job_number >= limit)):
                continue
            sent[queue] += row.state == "ready"
            if ledger.send(session, row, now):
                chosen.append(_message(session, row))
        return chosen


def _candidates(session: Session, now: datetime) -> list[Wanted]:
    """Return the first steps of each user that are ready, or were sent and not begun for too long."""
    order = (_WANTED.c.job_number, StepRow.created_at, StepRow.title)
    place = func.row_number().over(partition_by=_WANTED.c.owner, order_by=order).label("place")
    found = (
        select(StepRow.key, _WANTED.c.job_number, _WANTED.c.owner, place)
        .join(_WANTED, _WANTED.c.step_key == StepRow.key)
        .where(
            StepRow.kind.in_(_WORKER_KINDS),
            (StepRow.state == "ready") | ((StepRow.state == "sent") & (StepRow.due_at <= now)),
        )
        .subquery()
    )
    query = (
        select(StepRow, found.c.job_number, found.c.owner)
        .join(found, found.c.key == StepRow.key)
        .where(found.c.place <= _CANDIDATES)
        .order_by(found.c.place)
    )
    return [Wanted(row, number, owner) for row, number, owner in session.execute(query)]


def _active(session: Session) -> Counter[str]:
    """Return how many steps of each user workers have; a shared step counts for the user with the oldest job."""
    query = (
        select(StepRow.key, _WANTED.c.owner)
        .join(_WANTED, _WANTED.c.step_key == StepRow.key)
        .where(StepRow.kind.in_(_WORKER_KINDS), StepRow.state.in_(["sent", "running"]))
        .order_by(_WANTED.c.job_number.desc())
    )
    owner_of = {key: owner for key, owner in session.execute(query)}  # noqa: C416 - a row is not a pair
    return Counter(owner_of.values())


def _last_begun(session: Session) -> dict[str, datetime]:
    """Return when the latest step of each user was begun, of the active jobs."""
    query = (
        select(_WANTED.c.owner, func.max(StepRow.started_at))
        .join(_WANTED, _WANTED.c.step_key == StepRow.key)
        .where(StepRow.kind.in_(_WORKER_KINDS), StepRow.started_at.is_not(None))
        .group_by(_WANTED.c.owner)
    )
    return {owner: moment for owner, moment in session.execute(query)}  # noqa: C416 - a row is not a pair


def _message(session: Session, row: StepRow) -> RunStep:
    entries = session.scalars(select(StepInputRow).where(StepInputRow.step_key == row.key)).all()
    return RunStep(
        step_key=row.key,
        attempt=row.attempt,
        parameters=row.parameters,
        inputs={entry.role: entry.source.outputs or {} for entry in entries},
        input_results={entry.role: entry.source.result for entry in entries if entry.source.result is not None},
        most_bytes=most_bytes_of_step(session, row.key) if row.kind == "pack" else None,
    )
