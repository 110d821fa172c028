"""Creates the messages that a device is offline, and that it is online again.

An outage is reported to a recipient at most once an hour, however often the device flaps: once when it begins, and once
when the device is online again. The last message about the device says what the recipient knows, so that a scheduler
that was killed reports nothing twice. Jobs that name the same recipient share its messages.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from edgepress_api.database import Database, JobRow, NotificationRow, RecipientRow
from edgepress_api.devices.leasing import ONLINE_FOR
from edgepress_api.devices.waiting import Seen, is_there, last_requests
from edgepress_api.steps.notices import new_message
from edgepress_common.answers.job_list import ACTIVE_STATES

PAUSE = timedelta(hours=1)

_Known = Mapping[tuple[str, str], NotificationRow]


def watch_devices(database: Database, now: datetime, *, began: datetime) -> int:
    """Create the messages that are due, and return their number.

    Args:
        database: The database of devices, jobs and messages.
        now: The current time.
        began: When the caller started. Before that the gateway may have been down, so that devices could not send
            requests.
    """
    with database.read() as session:
        if not _due(session, now, began):
            return 0  # most of the time
    with database.write() as session:
        due = _due(session, now, began)
        session.add_all(due)
        return len(due)


def _due(session: Session, now: datetime, began: datetime) -> list[NotificationRow]:
    known = _last_messages(session)
    watching = session.execute(
        select(RecipientRow, JobRow.owner, JobRow.devices)
        .join(JobRow, JobRow.number == RecipientRow.job_number)
        .where(JobRow.state.in_(ACTIVE_STATES))
    ).all()
    asked = [each for each in watching if "device_offline" in each[0].notices]
    if not asked and not any(row.kind == "device_offline" for row in known.values()):
        return []
    seen = last_requests(session)
    returned = [
        new_message(row, "device_online", now, owner=row.owner, device=device)
        for (_, device), row in known.items()
        if row.kind == "device_offline" and is_there(seen.get(device), now)
    ]
    if now - began < ONLINE_FOR:
        return returned
    offline: dict[tuple[str, str], NotificationRow] = {}
    for recipient, owner, devices in asked:
        for device in _offline(devices or (), seen, now):
            key = (recipient.digest, device)
            if key not in offline and _is_news(known.get(key), now):
                offline[key] = new_message(recipient, "device_offline", now, owner=owner, device=device)
    return [*returned, *offline.values()]


def _offline(devices: Sequence[str], seen: Mapping[str, Seen], now: datetime) -> list[str]:
    """Return the devices that have sent a request once, and are offline now."""
    return [device for device in devices if device in seen and not is_there(seen[device], now)]


def _is_news(last: NotificationRow | None, now: datetime) -> bool:
    return last is None or (last.kind == "device_online" and now - last.created_at >= PAUSE)


def _last_messages(session: Session) -> _Known:
    """Return the last message about each device to each recipient, by digest and device."""
    later = aliased(NotificationRow)
    is_last = ~exists().where(
        later.digest == NotificationRow.digest,
        later.device == NotificationRow.device,
        later.created_at > NotificationRow.created_at,
    )
    rows = session.scalars(select(NotificationRow).where(NotificationRow.device.is_not(None), is_last))
    return {(row.digest, row.device): row for row in rows if row.device is not None}
