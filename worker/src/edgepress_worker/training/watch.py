"""Observes a training: reports progress, checks for cancellation, and stops a diverged training."""

import math
import time

from edgepress_common.errors import DivergedError
from edgepress_common.messages import Progress
from edgepress_common.results import Epoch
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.training.optimizer import learning_rate

_SECONDS_BETWEEN_REPORTS = 0.5  # fast enough for people; a step on a GPU can take a few milliseconds


class Watch(keras.callbacks.Callback):
    """A callback for all epochs of an attempt.

    Args:
        context: Context of the attempt.
        epochs: Maximum number of epochs.
        steps: Number of steps in an epoch.
        done: Number of epochs of earlier attempts.
    """

    def __init__(self, context: StepContext, *, epochs: int, steps: int, done: int) -> None:
        super().__init__()
        self._context = context
        self._epochs = epochs
        self._steps = steps
        self._done = done
        self._metrics: dict[str, float] = {}
        self._reported_at = -math.inf
        self._timed_from: tuple[float, int] | None = None

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Check the loss after each step; ``logs`` has the means since the start of the epoch.

        Raises:
            DivergedError: The loss is NaN or infinite.
            StepCancelledError: The step is cancelled.
        """
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise DivergedError(self._diverged(f"the loss became {loss}", f", batch {batch + 1} of {self._steps}"))
        self._context.raise_if_cancelled()
        now, steps_done = time.monotonic(), self._done * self._steps + batch + 1
        if self._timed_from is None:  # timed from the second step, because the first one compiles
            self._timed_from = (now, steps_done)
        if now - self._reported_at >= _SECONDS_BETWEEN_REPORTS:
            self._reported_at = now
            self._metrics |= {"loss": loss, "accuracy": float(logs["accuracy"])}
            self._report(now, steps_done)

    def on_test_batch_end(self, _batch: int, _logs: dict[str, float] | None = None) -> None:
        """Check for cancellation after each batch of the validation."""
        self._context.raise_if_cancelled()

    def epoch_ended(self, epoch: Epoch) -> None:
        """Report an epoch, including its validation; must be called after each epoch.

        Raises:
            DivergedError: The validation loss is NaN or infinite.
        """
        if not math.isfinite(epoch.val_loss):
            raise DivergedError(self._diverged(f"the validation loss became {epoch.val_loss}", ""))
        self._done = epoch.epoch
        shown = {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "bits_per_weight"}
        self._metrics = epoch.model_dump(include=shown, exclude_none=True)
        self._report(time.monotonic(), self._done * self._steps)

    def _report(self, now: float, steps_done: int) -> None:
        total = self._epochs * self._steps
        self._context.report(
            Progress(
                fraction=steps_done / total,
                message="training",
                epoch=self._done,
                epochs=self._epochs,
                metrics=self._metrics,
                seconds_left=self._seconds_left(now, steps_done, total),
            )
        )

    def _seconds_left(self, now: float, steps_done: int, total: int) -> float | None:
        if self._timed_from is None or steps_done == self._timed_from[1]:
            return None
        started_at, steps_before = self._timed_from
        return (now - started_at) / (steps_done - steps_before) * (total - steps_done)

    def _diverged(self, what: str, where: str) -> str:
        rate = learning_rate(self.model.optimizer)
        return (
            f"the training diverged: {what} in epoch {self._done + 1}{where}, at learning rate {rate:.3g}. "
            f"Try a learning_rate of {rate / 10:.1g}, some warmup_epochs, or precision: float32 if it was mixed"
        )
