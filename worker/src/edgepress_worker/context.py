"""The interface between a step and the process that runs it.

Methods, exports and data sets depend only on this protocol, not on Celery, Redis or a certain store; tests use a simple
implementation.
"""

from pathlib import Path
from typing import Protocol

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.messages import Progress


class StepContext(Protocol):
    """The context of an attempt at a step."""

    @property
    def store(self) -> ArtifactStore:
        """The store to read artifacts from and to write them to."""
        ...

    @property
    def scratch(self) -> Path:
        """A folder for this step. The next attempt gets the same folder; it is emptied after the step has succeeded."""
        ...

    def report(self, progress: Progress) -> None:
        """Report the progress of the step. Fast enough to be called for every batch."""
        ...

    def raise_if_cancelled(self) -> None:
        """Raise an error if the step is cancelled. Call it between pieces of work, if possible once a second.

        Raises:
            StepCancelledError: The step is cancelled.
        """
        ...
