"""A step's surroundings that tell it to stop at a given place, as a user or a restart would."""

from collections.abc import Callable
from pathlib import Path

from edgepress_common.messages import Progress
from fakes.step_context import PlainContext


class CancellingContext(PlainContext):
    """Cancels once something has been reported.

    Args:
        folder: See `PlainContext`.
        when: Whether a report is the one to stop after.
    """

    def __init__(self, folder: Path, when: Callable[[Progress], bool]) -> None:
        super().__init__(folder)
        self._when = when

    def report(self, progress: Progress) -> None:
        """See `StepContext.report`."""
        super().report(progress)
        self.cancelled = self.cancelled or self._when(progress)
