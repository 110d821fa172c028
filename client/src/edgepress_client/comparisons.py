"""Pinned comparisons: comparisons of jobs that the gateway keeps under a name."""

from collections.abc import Sequence

from edgepress_client.connection import Connection
from edgepress_common.answers.pinned import PinnedComparison, PinnedComparisons


class Comparisons:
    """The pinned comparisons of the gateway's user."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Sequence[PinnedComparison]:
        """Return all pinned comparisons, the newest first."""
        return self._connection.get(PinnedComparisons, "comparisons").comparisons

    def get(self, comparison: str) -> PinnedComparison:
        """Return a pinned comparison by its id."""
        return self._connection.get(PinnedComparison, "comparisons", comparison)

    def pin(self, name: str, job_ids: Sequence[str]) -> PinnedComparison:
        """Keep a comparison of two to ten jobs under a name. The first job is the reference."""
        return self._connection.post(PinnedComparison, "comparisons", json={"name": name, "jobs": [*job_ids]})

    def unpin(self, comparison: str) -> None:
        """Delete a pinned comparison by its id. Its jobs stay."""
        self._connection.request("DELETE", "comparisons", comparison)
