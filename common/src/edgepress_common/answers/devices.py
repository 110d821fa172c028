"""Registered devices and the evaluations that wait for them."""

from datetime import datetime

from edgepress_common.devices import Announcement, DeviceName
from edgepress_common.frozen import Message


class DeviceView(Message):
    """A registered device.

    Attributes:
        name: What jobs ask for it by; its labels are in the announcement.
        online: Whether it has been heard of lately.
        first_seen_at: When it announced itself for the first time.
        last_seen_at: And for the last.
        waiting: Evaluations that are for it alone and can begin.
        running: Evaluations it has now.
        announcement: What it says of itself.
        previous: What went by this name before its identity or hardware changed; None if nothing else did.
        changed_at: When that was.
    """

    name: DeviceName
    online: bool
    first_seen_at: datetime
    last_seen_at: datetime
    waiting: int
    running: int
    announcement: Announcement
    previous: Announcement | None = None
    changed_at: datetime | None = None


class DeviceList(Message):
    """All devices, sorted by name.

    Attributes:
        devices: All devices that have ever contacted the server.
        waiting_for_any: Number of ready evaluations that any device can run.
    """

    devices: tuple[DeviceView, ...]
    waiting_for_any: int
