"""Whoever asks for something, as far as that matters."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from edgepress_common.devices import DeviceName
from edgepress_common.frozen import Frozen

Scope = Literal["submit", "read", "device", "admin"]

SCOPES: dict[Scope, str] = {
    "submit": "post jobs and data sets; cancel, retry and delete jobs of one's own",
    "read": "look at jobs, reports and data sets of one's own, fetch what they gave, list devices",
    "device": "take evaluations as one device, hand in results, fetch what they need",
    "admin": "everything, with everybody's jobs and as every device",
}

UserName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@-]{0,62}$")]

LOCAL_USER = "local"
"""Who owns what was posted where no token is asked for. A token for this user sees it."""


class Principal(Frozen):
    """A user, or a device.

    Attributes:
        user: Who owns what is posted.
        scopes: What may be done.
        device: The device it may speak for; None for none, or with the scope ``admin`` for all.
        max_jobs: Jobs that the user may have under way; None for any number.
        max_bytes: Bytes that the user may have stored; None for any number.
    """

    user: UserName
    scopes: frozenset[Scope]
    device: DeviceName | None = None
    max_jobs: int | None = None
    max_bytes: int | None = None

    @property
    def viewer(self) -> UserName | None:
        """Whose jobs and data sets it sees: a user's, or with None everybody's."""
        return None if "admin" in self.scopes else self.user

    def may(self, *any_of: Scope) -> bool:
        """Whether it has one of these scopes; ``admin`` stands for each."""
        return bool(self.scopes & {"admin", *any_of})

    def speaks_for(self, device: str) -> bool:
        """Whether it may take and report evaluations as this device."""
        return "admin" in self.scopes or ("device" in self.scopes and self.device == device)


LOCAL = Principal(user=LOCAL_USER, scopes=frozenset({"admin"}))
"""Whoever asks a gateway that only its own machine can reach."""
