"""Figures of each number of threads, one file for each: ``measure(timed: TimedPass) -> float``.

A figure is declared in `edgepress_common.figures` with ``source=Measured("threads")``; the file here has its name.
Files in the folder ``evaluator/thread_figures`` of an extension folder belong to this package.
"""

from edgepress_common.figures.measuring import find_measurers
from edgepress_evaluator.measure.latency import TimedPass

_MEASURERS = find_measurers("threads", package=__name__, path=__path__, folder="evaluator/thread_figures")


def measure_thread_figures(timed: TimedPass) -> dict[str, float]:
    """Return the figures that have a file of their own, by name."""
    return {name: measure(timed) for name, measure in _MEASURERS.items()}
