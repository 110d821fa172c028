"""Progress of an evaluation."""

import time
from collections.abc import Callable

from edgepress_common.messages import Progress

Report = Callable[[Progress], None]


class ProgressMeter:
    """Counts inferences and reports the completed fraction, which never falls: more are expected if a pass is repeated.

    Args:
        total: Expected number of inferences.
        report: Function that receives each new `Progress`. It must return at once, because it is called between timed
            inferences.
        clock: Function that returns seconds, from any origin.
    """

    def __init__(self, total: int, report: Report, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._report = report
        self._clock = clock
        self._started_at = clock()
        self._done = 0
        self._fraction = 0.0

    def expect(self, more: int) -> None:
        """Add to the expected number of inferences."""
        self._total += more

    def advance(self, count: int, message: str) -> None:
        """Add to the number of completed inferences; the message names the current measurement."""
        self._done += count
        elapsed = self._clock() - self._started_at
        self._fraction = max(self._fraction, min(1.0, self._done / self._total))
        self._report(
            Progress(
                fraction=self._fraction,
                message=message,
                seconds_left=elapsed * max(0, self._total - self._done) / self._done,
            )
        )
