"""Deadlines of evaluations whose device is offline.

A device is offline when it has not sent a request lately, or reports a problem, such as a full disk. When this is
noticed, an evaluation that only this device can take gets a deadline (`StepRow.due_at`), which its job shows. If the
device is online in time, the deadline is removed, and the evaluation waits its turn, however long the device is busy.
Otherwise the evaluation fails, and its message names the device and its problem; evaluations on other devices continue.

``any`` is offline when no device is online.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.database import Database, DeviceRow, StepRow
from edgepress_api.devices.leasing import ONLINE_FOR
from edgepress_api.steps.ledger import Ledger
from edgepress_common.messages import StepFailure


class Seen(NamedTuple):
    """The last request of a device: its time, and the problem that it reported."""

    at: datetime
    problem: str | None


_WAITING = (StepRow.kind == "evaluation", StepRow.state == "ready")


def look_after_waiting(database: Database, ledger: Ledger, now: datetime, *, began: datetime) -> None:
    """Set and remove deadlines of evaluations, and fail the evaluations whose deadline has passed.

    Args:
        database: The database of steps and devices.
        ledger: The ledger that changes the states of steps.
        now: The current time.
        began: When the caller started. Before that the gateway may have been down, so that devices could not send
            requests: a device is considered offline only after it could have sent one for the usual time.
    """
    with database.read() as session:
        if not _concerned(session, last_requests(session), now):
            return  # most of the time
    with database.write() as session:
        seen = last_requests(session)
        for device in _concerned(session, seen, now):
            online = is_there(seen.get(device), now)
            failure = _failure(device, seen.get(device), ledger.rules.device_patience)
            for row in session.scalars(select(StepRow).where(*_WAITING, StepRow.device == device)).all():
                ledger.await_device(session, row, is_there=online, now=now)
                if not online and now - began >= ONLINE_FOR:
                    ledger.give_up_device(session, row, failure=failure, now=now)


def _concerned(session: Session, seen: Mapping[str, Seen], now: datetime) -> list[str]:
    """Return the devices whose waiting evaluations need another deadline, or none, or have exceeded theirs."""
    waiting = (
        select(StepRow.device, func.count(), func.count(StepRow.due_at), func.min(StepRow.due_at))
        .where(*_WAITING)
        .group_by(StepRow.device)
    )
    found = []
    for device, evaluations, with_deadline, first_deadline in session.execute(waiting):
        assert device is not None  # every evaluation has one
        if is_there(seen.get(device), now):
            has_changed = with_deadline > 0
        else:
            has_changed = with_deadline < evaluations or (first_deadline is not None and first_deadline <= now)
        if has_changed:
            found.append(device)
    return found


def last_requests(session: Session) -> Mapping[str, Seen]:
    """Return the last request of each device, and for ``any`` that of the device that is most likely to take it."""
    rows = session.execute(select(DeviceRow.name, DeviceRow.last_seen_at, DeviceRow.announcement))
    seen = {name: Seen(last_seen_at, announcement.problem) for name, last_seen_at, announcement in rows}
    return seen | ({"any": max(seen.values(), key=lambda each: (each.problem is None, each.at))} if seen else {})


def is_there(seen: Seen | None, now: datetime) -> bool:
    """Return whether a device is online and can measure."""
    return seen is not None and seen.problem is None and now - seen.at < ONLINE_FOR


def _failure(device: str, seen: Seen | None, patience: timedelta) -> StepFailure:
    who = "no device has" if device == "any" else f"device {device!r} has not"
    since = "ever" if seen is None else f"since {seen.at:%Y-%m-%d %H:%M} UTC"
    what, remedy = f"{who} been heard of {since}", "start the evaluator"
    if seen is not None and seen.problem is not None:
        subject = "no device can measure; the last one" if device == "any" else f"device {device!r} can't measure; it"
        what, remedy = f"{subject} reported: {seen.problem}", "remove the cause"
    return StepFailure.of(
        "device_offline",
        f"{what}; the evaluation has waited {patience.total_seconds() / 3600:g} h; {remedy}, then retry the job",
    )
