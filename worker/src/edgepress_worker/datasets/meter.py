"""Reports the progress of a step and checks for cancellation, in one call between pieces of work."""

import time
from collections.abc import Callable

from edgepress_common.messages import Progress
from edgepress_worker.context import StepContext


class Meter:
    """Reports the progress of a phase of a step.

    Args:
        context: Context of the attempt.
        start: Progress of the step at the start of the phase, 0 to 1.
        end: Progress of the step at the end of the phase, 0 to 1.
        clock: Function that returns seconds since some fixed time.
    """

    def __init__(
        self,
        context: StepContext,
        start: float = 0.0,
        end: float = 1.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._start = start
        self._end = end
        self._clock = clock
        self._began: tuple[float, float] | None = None
        self._share = 0.0

    def part(self, start: float, end: float) -> "Meter":
        """Return the meter of a part of this phase, from ``start`` to ``end``, each 0 to 1 within the phase."""
        span = self._end - self._start
        return Meter(self._context, self._start + start * span, self._start + end * span, clock=self._clock)

    def tell(self, share: float, message: str) -> None:
        """Report the completed share of the phase, with an estimate of the remaining time if there is one.

        Args:
            share: Completed share of this phase, 0 to 1.
            message: Current activity.

        Raises:
            StepCancelledError: The step is cancelled.
        """
        self._share = share
        self._context.raise_if_cancelled()
        fraction = self._start + (self._end - self._start) * min(share, 1.0)
        seconds_left = self._seconds_left(share)
        self._context.report(Progress(fraction=min(fraction, 1.0), message=message, seconds_left=seconds_left))

    def wait(self, message: str) -> None:
        """Report that the phase is waiting, and why. Raises as `tell` does."""
        self.tell(self._share, message)

    def _seconds_left(self, share: float) -> float | None:
        now = self._clock()
        if self._began is None:
            self._began = now, share
        began, share_then = self._began
        if now <= began or share <= share_then:
            return None
        return max(0.0, (now - began) / (share - share_then) * (1 - share))
