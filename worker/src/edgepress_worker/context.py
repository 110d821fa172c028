"""What a step may ask of whoever runs it.

Methods, exports and data sets are written against this protocol, so they know nothing of Celery, Redis or the store
they run with; tests hand them a plain one.
"""

from pathlib import Path
from typing import Protocol

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.messages import Progress


class StepContext(Protocol):
    """The surroundings of one attempt at one step."""

    @property
    def store(self) -> ArtifactStore:
        """Where artifacts are read and put."""
        ...

    @property
    def scratch(self) -> Path:
        """A folder of this step's own that is there again for its next attempt; emptied once it has succeeded."""
        ...

    def report(self, progress: Progress) -> None:
        """Says how far the step is. Cheap: may be called for every batch."""
        ...

    def raise_if_cancelled(self) -> None:
        """To be called between pieces of work, at least once a second where that is possible.

        Raises:
            StepCancelledError: The step is to stop.
        """
        ...
