"""Devices as the outside sees them."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.database import DeviceRow, StepRow
from edgepress_api.devices.leasing import ONLINE_FOR
from edgepress_common.devices import Announcement, DeviceName
from edgepress_common.frozen import Frozen


class DeviceView(Frozen):
    """A device that has announced itself.

    Attributes:
        name: What jobs ask for it by; its labels are in the announcement.
        online: Whether it has been heard of lately.
        first_seen_at: When it announced itself for the first time.
        last_seen_at: And for the last.
        waiting: Evaluations that are for it alone and can begin.
        running: Evaluations it has now.
        announcement: What it says of itself.
    """

    name: DeviceName
    online: bool
    first_seen_at: datetime
    last_seen_at: datetime
    waiting: int
    running: int
    announcement: Announcement


class DeviceList(Frozen):
    """All devices, by name.

    Attributes:
        devices: Those that have ever announced themselves.
        waiting_for_any: Evaluations that can begin on whichever device asks first.
    """

    devices: tuple[DeviceView, ...]
    waiting_for_any: int


def list_devices(session: Session, now: datetime) -> DeviceList:
    """All devices, and what waits for them."""
    waiting = _counts(session, "ready")
    running = _counts(session, "running")
    return DeviceList(
        devices=tuple(
            DeviceView(
                name=row.name,
                online=now - row.last_seen_at < ONLINE_FOR,
                first_seen_at=row.first_seen_at,
                last_seen_at=row.last_seen_at,
                waiting=waiting.get(row.name, 0),
                running=running.get(row.name, 0),
                announcement=row.announcement,
            )
            for row in session.scalars(select(DeviceRow).order_by(DeviceRow.name))
        ),
        waiting_for_any=waiting.get("any", 0),
    )


def _counts(session: Session, state: str) -> dict[str | None, int]:
    """How many evaluations are in a state, by the device they are for, or that has them."""
    whose = StepRow.holder if state == "running" else StepRow.device
    query = select(whose, func.count()).where(StepRow.kind == "evaluation", StepRow.state == state).group_by(whose)
    return dict(session.execute(query).all())
