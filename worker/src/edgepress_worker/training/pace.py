"""The time that compiling takes, apart from the time that training takes."""

import time
from itertools import pairwise
from statistics import median

from edgepress_worker.keras_environment import keras


class Pace(keras.callbacks.Callback):
    """Times the steps of an epoch. A network is compiled in the first step of an attempt."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[float] = []

    def on_epoch_begin(self, _epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Begin to time."""
        self._ends = [time.monotonic()]

    def on_train_batch_end(self, _batch: int, _logs: dict[str, float] | None = None) -> None:
        """Time a step."""
        self._ends.append(time.monotonic())

    def compile_seconds(self) -> float:
        """Return how much longer the first step took than the median of the others; 0 where there are none."""
        steps = [end - begin for begin, end in pairwise(self._ends)]
        return max(0.0, steps[0] - median(steps[1:])) if len(steps) > 1 else 0.0
