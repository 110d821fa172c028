"""Chooses the steps that workers get next.

Users take turns (`edgepress_api.scheduler.fair_scheduling`), each user's oldest job first. A queue holds only a few
steps that no worker has begun: enough that no worker waits, few enough that order, cancelling and a lost queue stay
cheap.

While a device that shares its processors measures, or is about to, steps go past the workers of its machine: each to
the queue of another machine that has an idle worker (`edgepress_api.scheduler.places`). If that worker ends before it
has begun the step, the step is sent elsewhere after the usual time, or waits until the device has measured.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from edgepress_api.access.quotas import most_bytes_of_step
from edgepress_api.database import Database, JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.devices.resting import find_rest
from edgepress_api.scheduler.fair_scheduling import Wanted, fair_order
from edgepress_api.scheduler.places import Place, Places
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.answers.jobs import StepState
from edgepress_common.messages import QUEUES, LiveWorker, RunStep
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


def choose_steps(
    database: Database,
    ledger: Ledger,
    now: datetime,
    *,
    ahead: int,
    workers: Callable[[], Sequence[LiveWorker]] = tuple,
) -> list[RunStep]:
    """Mark the steps to send as sent, and return their messages; send them once this is committed.

    Args:
        database: The database of the steps.
        ledger: The ledger that changes their states.
        now: The current time.
        ahead: Maximum number of steps in the queue of all workers that no worker has begun.
        workers: Returns the live workers; called only while workers of some machine rest.
    """
    with database.read() as session:
        if not _candidates(session, now):
            return []  # most of the time
        rest = find_rest(session, now)
    live = workers() if rest.limits else ()
    with database.write() as session:
        places = Places(find_rest(session, now), live, ahead=ahead)
        for kind, state, machine_id in session.execute(_at_workers(now)):
            places.note(Place(QUEUES[kind], machine_id), has_begun=state == "running")
        wanted, active, last_begun = _candidates(session, now), _active(session), _last_begun(session)
        by_queue = [[each for each in wanted if QUEUES[each.step.kind] == queue] for queue in _QUEUES]
        chosen = []
        for row, job_number, _ in chain.from_iterable(fair_order(part, active, last_begun) for part in by_queue):
            is_for_all = row.state == "sent" and row.machine_id is None
            place = places.choose(QUEUES[row.kind], job_number, is_for_all=is_for_all)
            if place is not None and ledger.send(session, row, now, machine_id=place.machine_id):
                if not is_for_all:
                    places.note(place, has_begun=False)
                chosen.append(_message(session, row, place))
        return chosen


def _at_workers(now: datetime) -> Select[StepKind, StepState, str | None]:
    """Return the query of what workers have, without steps that a machine was sent and has not begun for too long."""
    is_at_machine = StepRow.machine_id.is_(None) | (StepRow.due_at > now)
    return select(StepRow.kind, StepRow.state, StepRow.machine_id).where(
        StepRow.kind.in_(_WORKER_KINDS), (StepRow.state == "running") | ((StepRow.state == "sent") & is_at_machine)
    )


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


def _message(session: Session, row: StepRow, place: Place) -> RunStep:
    entries = session.scalars(select(StepInputRow).where(StepInputRow.step_key == row.key)).all()
    return RunStep(
        step_key=row.key,
        attempt=row.attempt,
        parameters=row.parameters,
        inputs={entry.role: entry.source.outputs or {} for entry in entries},
        input_results={entry.role: entry.source.result for entry in entries if entry.source.result is not None},
        most_bytes=most_bytes_of_step(session, row.key) if row.kind == "pack" else None,
        machine_id=place.machine_id,
    )
