"""A step's surroundings without broker, scheduler or worker: a folder, a list, and a flag."""

from pathlib import Path

from edgepress_common.artifacts import FolderStore
from edgepress_common.errors import StepCancelledError
from edgepress_common.messages import Progress


class PlainContext:
    """Fulfils `edgepress_worker.context.StepContext` in a folder of the test's own.

    Attributes:
        store: Artifacts, in ``<folder>/artifacts``.
        scratch: ``<folder>/scratch``, there from the start; nothing empties it.
        reports: What has been reported, the oldest first.
        cancelled: Set it, and the step is told to stop when it next asks.
    """

    def __init__(self, folder: Path) -> None:
        self.store = FolderStore(folder / "artifacts")
        self.scratch = folder / "scratch"
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.reports: list[Progress] = []
        self.cancelled = False

    def report(self, progress: Progress) -> None:
        """See `StepContext.report`."""
        self.reports.append(progress)

    def raise_if_cancelled(self) -> None:
        """See `StepContext.raise_if_cancelled`."""
        if self.cancelled:
            raise StepCancelledError("the step was told to stop")
