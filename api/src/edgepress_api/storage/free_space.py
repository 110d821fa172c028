"""Free space for artifacts: new work is refused while there is still enough left for running work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import InsufficientStorageError


@dataclass(frozen=True)
class FreeSpace:
    """The space that is left in a store.

    Attributes:
        store: The store.
        reserve_bytes: Space that is reserved for running work.
    """

    store: ArtifactStore
    reserve_bytes: int

    def require(self) -> None:
        """Check that new work may begin.

        Raises:
            InsufficientStorageError: Only the reserve is left.
        """
        free_bytes = self.store.free_bytes()
        if free_bytes is not None and free_bytes < self.reserve_bytes:
            raise InsufficientStorageError(
                f"the artifact store has {free_bytes} bytes left, and nothing new is accepted below "
                f"{self.reserve_bytes} (EDGEPRESS_RESERVE_BYTES); delete jobs that are no "
                "longer needed, or use a larger disk"
            )

    def guarded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks as long as more than the reserve is left.

        Raises:
            InsufficientStorageError: See `require`.
        """
        for chunk in chunks:
            self.require()
            yield chunk
