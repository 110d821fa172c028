"""Lets one evaluator of a machine measure at a time.

Two evaluators may share a machine: one for the host and one for an emulated board, two compositions, or
``docker compose up --scale evaluator=2``. Each would measure the load of the other. So an evaluator locks a folder of
the machine (``flock``) while it measures, and the lock ends with the process, however that ends. Containers mount the
folder from the host; reading it is enough, so they mount it read-only.
"""

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edgepress_common.devices import EvaluationLease
from edgepress_common.errors import StepCancelledError
from edgepress_common.messages import Progress
from edgepress_common.results import EvaluationResult
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.evaluate import Files
from edgepress_evaluator.loop import Evaluate
from edgepress_evaluator.progress import Report

_LOOK_SECONDS = 0.2
_READ_BY_ALL = 0o755

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OneAtATime:
    """A function that measures (see `Evaluate`), and waits for other evaluators of the machine before.

    Attributes:
        evaluate: The function that measures.
        folder: Folder to lock; created if possible.
        wait: Sleeps for a number of seconds.
    """

    evaluate: Evaluate
    folder: Path
    wait: Callable[[float], object] = time.sleep

    def __call__(
        self, lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop
    ) -> EvaluationResult:
        """Measure a model; see `edgepress_evaluator.evaluate.evaluate`.

        Raises:
            StepCancelledError: The evaluation was stopped, also while it waited.
        """
        with self._opened() as folder:
            if folder is not None:
                self._lock(folder, report, should_stop)
            return self.evaluate(lease, files, report=report, should_stop=should_stop)

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
        """Open the folder; None if there is none, which is logged."""
        with suppress(OSError):
            self.folder.mkdir(parents=True)
            self.folder.chmod(_READ_BY_ALL)  # for any umask: evaluators of other users open it, too
        try:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            _log.warning("%s; other evaluators on this machine may measure at the same time", error)
            yield None
            return
        try:
            yield folder
        finally:
            os.close(folder)

    def _lock(self, folder: int, report: Report, should_stop: ShouldStop) -> None:
        waits = False
        while True:
            with suppress(BlockingIOError):
                return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if should_stop():
                raise StepCancelledError("the evaluation was stopped while it waited for another on this machine")
            if not waits:
                _log.info("waits for another evaluation on this machine")
                report(Progress(fraction=0, message="waits for another evaluation on this machine"))
                waits = True
            self.wait(_LOOK_SECONDS)
