"""One attempt at one step: its context, and the heartbeats that keep its lease.

A separate thread sends a heartbeat with the step's progress every two seconds, which renews the lease while TensorFlow
computes, and checks whether the step is to stop. The step stops between two pieces of work, in `raise_if_cancelled`.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import StepCancelledError
from edgepress_common.messages import Progress, RunStep, StepProgress
from edgepress_worker.runtime.event_channel import EventChannel

_LOOK_SECONDS = 0.25
_BEAT_SECONDS = 2.0  # a thirtieth of the usual lease; also the longest delay of a cancellation


class WorkerStoppingError(StepCancelledError):
    """The worker has been told to stop."""


class Attempt:
    """The `StepContext` of a step that came from a queue; a context manager around its work."""

    def __init__(
        self,
        step: RunStep,
        *,
        events: EventChannel,
        store: ArtifactStore,
        scratch: Path,
        worker: str,
        worker_is_stopping: Callable[[], bool],
        beat_seconds: float = _BEAT_SECONDS,
    ) -> None:
        self._step = step
        self._events = events
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
        """See `StepContext.report`. The end of an epoch is sent at once, other progress with the next heartbeat."""
        new_epoch = progress.epoch != self._progress.epoch
        self._progress = progress
        if new_epoch:
            self._say()

    def raise_if_cancelled(self) -> None:
        """See `StepContext.raise_if_cancelled`."""
        if self._worker_is_stopping():
            raise WorkerStoppingError("the worker is being stopped")
        if self._stopped.is_set():
            raise StepCancelledError("the step is no longer needed, or another worker runs it")

    def pause(self, seconds: float, why: str) -> None:
        """Wait, and report the reason as the step's progress.

        Raises:
            StepCancelledError: The step or the worker was told to stop.
        """
        self._progress = self._progress.model_copy(update={"message": why})
        self._say()
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.raise_if_cancelled()
            time.sleep(min(left, _LOOK_SECONDS))

    def __enter__(self) -> Self:
        """Start the heartbeats."""
        self._thread.start()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the heartbeats."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._beat_seconds):
            self._say()
            self._events.hold(self._step)
            if self._events.is_stopped(self._step):
                self._stopped.set()

    def _say(self) -> None:
        self._events.post_if_possible(
            StepProgress(
                step_key=self._step.step_key,
                attempt=self._step.attempt,
                worker=self._worker,
                progress=self._progress,
            )
        )
