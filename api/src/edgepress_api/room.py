"""Room for artifacts: new work is refused while there is still enough left for the work under way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import NoRoomError


@dataclass(frozen=True)
class Room:
    """The room that is left in a store.

    Attributes:
        store: Which.
        reserve_bytes: What is kept for the work under way.
    """

    store: ArtifactStore
    reserve_bytes: int

    def require(self) -> None:
        """Lets new work begin.

        Raises:
            NoRoomError: Only the reserve is left.
        """
        free_bytes = self.store.free_bytes()
        if free_bytes is not None and free_bytes < self.reserve_bytes:
            raise NoRoomError(
                f"the artifact store has {free_bytes} bytes left, and nothing new is accepted below "
                f"{self.reserve_bytes} (EDGEPRESS_RESERVE_BYTES); accepted: once jobs that are no longer needed have "
                "been deleted, or the disk is larger"
            )

    def guarded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks, until only the reserve is left.

        Raises:
            NoRoomError: See `require`.
        """
        for chunk in chunks:
            self.require()
            yield chunk
