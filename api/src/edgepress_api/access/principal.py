"""The principal of a request: the user or device that it comes from."""

from edgepress_common.answers.users import LOCAL_USER, Scope, UserName
from edgepress_common.devices import DeviceName
from edgepress_common.frozen import Frozen


class Principal(Frozen):
    """A user, or a device.

    Attributes:
        user: Who owns what is posted.
        scopes: The permitted actions.
        device: The device that it can act as; None for none, or with the scope ``admin`` for all.
        max_jobs: Limit of active jobs of the user; None for any number.
        max_bytes: Limit of stored bytes of the user; None for any number.
    """

    user: UserName
    scopes: frozenset[Scope]
    device: DeviceName | None = None
    max_jobs: int | None = None
    max_bytes: int | None = None

    @property
    def viewer(self) -> UserName | None:
        """The user whose jobs and data sets it sees; None if it sees those of all users."""
        return None if "admin" in self.scopes else self.user

    def may(self, *any_of: Scope) -> bool:
        """Return whether it has one of these scopes; ``admin`` includes each."""
        return bool(self.scopes & {"admin", *any_of})

    def speaks_for(self, device: str) -> bool:
        """Return whether it can lease and report evaluations as this device."""
        return "admin" in self.scopes or ("device" in self.scopes and self.device == device)


LOCAL = Principal(user=LOCAL_USER, scopes=frozenset({"admin"}))
"""The principal of requests without a token, to a gateway that only its own machine can reach."""
