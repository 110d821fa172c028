"""How far an evaluation is, told as it goes on."""

import time
from collections.abc import Callable

from edgepress_common.messages import Progress

Report = Callable[[Progress], None]


class ProgressMeter:
    """Counts inferences and reports the share done.

    Args:
        total: Inferences there will be.
        report: Is given each new `Progress`; it must return at once, for it is called between measurements.
        clock: Seconds, from any origin.
    """

    def __init__(self, total: int, report: Report, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._report = report
        self._clock = clock
        self._started_at = clock()
        self._done = 0

    def expect(self, more: int) -> None:
        """More inferences turn out to be needed."""
        self._total += more

    def advance(self, count: int, message: str) -> None:
        """So many more are done; the message says of what."""
        self._done += count
        elapsed = self._clock() - self._started_at
        self._report(
            Progress(
                fraction=min(1.0, self._done / self._total),
                message=message,
                seconds_left=elapsed * max(0, self._total - self._done) / self._done,
            )
        )
