"""API tokens, without their secret part."""

from datetime import datetime

from edgepress_common.answers.users import Scope, UserName
from edgepress_common.devices import DeviceName
from edgepress_common.frozen import Message


class TokenView(Message):
    """A token without its secret part.

    Attributes:
        id: Id by which the token is revoked.
        user: User that the token authenticates.
        scopes: What the token permits.
        device: Device that the token authenticates; None if it is not for a device.
        max_jobs: Maximum number of active jobs of the user; None for the server's default.
        max_bytes: Maximum storage of the user in bytes; None for the server's default.
        expires_at: Time at which the token expires; None if it does not expire.
        revoked_at: Time at which the token was revoked; None if it was not.
    """

    id: str
    user: UserName
    scopes: tuple[Scope, ...]
    device: DeviceName | None
    max_jobs: int | None
    max_bytes: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Return whether the token is valid at a time: neither expired nor revoked."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
