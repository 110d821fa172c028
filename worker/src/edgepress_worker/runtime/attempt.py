"""One attempt at one step: its context, and the signs of life that keep its lease.

A thread of its own says every other second how far the step is, so the lease holds while TensorFlow computes, and asks
whether to stop. The step notices between two pieces of work, by `raise_if_cancelled`.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import StepCancelledError
from edgepress_common.messages import Progress, RunStep, StepProgress
from edgepress_worker.runtime.line import Line

_BEAT_SECONDS = 2.0  # a thirtieth of the usual lease; also how late a cancellation may be noticed


class WorkerStoppingError(StepCancelledError):
    """The worker itself is to stop."""


class Attempt:
    """The `StepContext` of a step that came from a queue; a context manager around its work."""

    def __init__(
        self,
        step: RunStep,
        *,
        line: Line,
        store: ArtifactStore,
        scratch: Path,
        worker: str,
        worker_is_stopping: Callable[[], bool],
        beat_seconds: float = _BEAT_SECONDS,
    ) -> None:
        self._step = step
        self._line = line
        self._store = store
        self._scratch = scratch
        self._worker = worker
        self._worker_is_stopping = worker_is_stopping
        self._beat_seconds = beat_seconds
        self._progress = Progress(fraction=0)
        self._stopped = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @property
    def store(self) -> ArtifactStore:
        """See `StepContext.store`."""
        return self._store

    @property
    def scratch(self) -> Path:
        """See `StepContext.scratch`."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        return self._scratch

    def report(self, progress: Progress) -> None:
        """See `StepContext.report`. The end of an epoch is said at once, the rest with the next sign of life."""
        new_epoch = progress.epoch != self._progress.epoch
        self._progress = progress
        if new_epoch:
            self._say()

    def raise_if_cancelled(self) -> None:
        """See `StepContext.raise_if_cancelled`."""
        if self._worker_is_stopping():
            raise WorkerStoppingError("the worker is being stopped")
        if self._stopped.is_set():
            raise StepCancelledError("nobody wants this step any more, or it was given to somebody else")

    def __enter__(self) -> Self:
        """Signs of life begin."""
        self._thread.start()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Signs of life end."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._beat_seconds):
            self._say()
            self._line.hold(self._step)
            if self._line.is_stopped(self._step):
                self._stopped.set()

    def _say(self) -> None:
        self._line.post_if_possible(
            StepProgress(
                step_key=self._step.step_key,
                attempt=self._step.attempt,
                worker=self._worker,
                progress=self._progress,
            )
        )
