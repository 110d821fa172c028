"""Load by other programs during a measurement, which makes its times longer and more scattered."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from edgepress_evaluator.measure.machine import Machine

_SHORTEST_SECONDS = 0.5  # the kernel counts in hundredths of a second for each processor


def _own_seconds() -> float:
    return sum(os.times()[:4])  # of this process and of its children that have ended


@dataclass(frozen=True)
class OtherLoad:
    """Measures from its creation on.

    Attributes:
        machine: The machine.
        clock: Returns seconds, from any origin.
        own_seconds: Returns the processor time of this program.
    """

    machine: Machine
    clock: Callable[[], float] = time.monotonic
    own_seconds: Callable[[], float] = _own_seconds
    _start: tuple[float | None, float, float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_start", self._read())

    def processors(self) -> float | None:
        """Return the mean number of processors that other programs have used; None if unknown or too brief."""
        busy, own, now = self._read()
        began_busy, began_own, began = self._start
        if busy is None or began_busy is None or now - began < _SHORTEST_SECONDS:
            return None
        return max(0.0, (busy - began_busy) - (own - began_own)) / (now - began)

    def _read(self) -> tuple[float | None, float, float]:
        return self.machine.busy_seconds(), self.own_seconds(), self.clock()
