"""The user or device that a token authenticates."""

from edgepress_common.answers.devices import DeviceView
from edgepress_common.answers.users import Scope, UserName
from edgepress_common.devices import DeviceName
from edgepress_common.frozen import Message


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
