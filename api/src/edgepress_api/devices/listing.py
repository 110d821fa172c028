"""Devices as the API shows them."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.database import DeviceRow, StepRow
from edgepress_api.devices.leasing import ONLINE_FOR
from edgepress_common.answers.devices import DeviceList, DeviceView

_Counts = dict[str | None, int]


def list_devices(session: Session, now: datetime) -> DeviceList:
    """Return all devices, and the evaluations that wait for them."""
    waiting = _counts(session, "ready")
    running = _counts(session, "running")
    rows = session.scalars(select(DeviceRow).order_by(DeviceRow.name))
    return DeviceList(
        devices=tuple(_view(row, now, waiting, running) for row in rows), waiting_for_any=waiting.get("any", 0)
    )


def find_device(session: Session, name: str, now: datetime) -> DeviceView | None:
    """Return a device; None if it has never announced itself."""
    row = session.get(DeviceRow, name)
    return None if row is None else _view(row, now, _counts(session, "ready"), _counts(session, "running"))


def _view(row: DeviceRow, now: datetime, waiting: _Counts, running: _Counts) -> DeviceView:
    return DeviceView(
        name=row.name,
        online=now - row.last_seen_at < ONLINE_FOR,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        waiting=waiting.get(row.name, 0),
        running=running.get(row.name, 0),
        announcement=row.announcement,
        previous=row.previous,
        changed_at=row.changed_at,
    )


def _counts(session: Session, state: str) -> _Counts:
    """Return the number of evaluations in a state, by the device that they are for, or that has leased them."""
    whose = StepRow.holder if state == "running" else StepRow.device
    query = select(whose, func.count()).where(StepRow.kind == "evaluation", StepRow.state == state).group_by(whose)
    return dict(session.execute(query).all())
