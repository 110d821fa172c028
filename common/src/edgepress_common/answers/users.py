"""Users and the scopes of their tokens."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from edgepress_common.answers.devices import DeviceView
from edgepress_common.devices import DeviceName
from edgepress_common.frozen import Message

Scope = Literal["submit", "read", "device", "admin"]


SCOPES: dict[Scope, str] = {
    "submit": "post jobs and data sets; cancel, retry and delete your own jobs",
    "read": "read your own jobs, reports and data sets, download results, list devices",
    "device": "lease evaluations as one device, report results, download models and packs",
    "admin": "everything, including the jobs of all users and the leases of all devices",
}


UserName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@-]{0,62}$")]


LOCAL_USER = "local"
"""Owner of everything that is posted to a server without authentication. A token for this user has access to it."""


class Caller(Message):
    """The user or device that a request's token authenticates, and the server that answers.

    Attributes:
        user: User that the token authenticates.
        scopes: What the token permits.
        device: Device that the token authenticates; None if it is not for a device.
        known: The device as the server knows it; None if it has never announced itself, or ``device`` is None.
        server_version: Version of the server, such as ``0.1.0``.
    """

    user: UserName
    scopes: tuple[Scope, ...]
    device: DeviceName | None
    known: DeviceView | None
    server_version: str
