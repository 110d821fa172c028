"""Figures that are measured once per evaluation, one file for each: ``measure(subject: Subject) -> float``.

A figure is declared in `edgepress_common.figures` with ``source=Measured("evaluation")``; the file here has its name.
Files in the folder ``evaluator/figures`` of an extension folder belong to this package.
"""

from edgepress_common.figures.measuring import find_measurers
from edgepress_evaluator.measure.subject import Subject

_MEASURERS = find_measurers("evaluation", package=__name__, path=__path__, folder="evaluator/figures")


def measure_figures(subject: Subject) -> dict[str, float]:
    """Return the figures that have a file of their own, by name."""
    return {name: measure(subject) for name, measure in _MEASURERS.items()}
