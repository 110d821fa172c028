"""Figures of a stage's network and training, one file for each: ``measure(stage: Compressed) -> float``.

A figure is declared in `edgepress_common.figures` with ``source=Measured("stage")``; the file here has its name. Files
in the folder ``worker/stage_figures`` of an extension folder belong to this package.
"""

from edgepress_common.figures.measuring import find_measurers
from edgepress_worker.methods.method import Compressed

_MEASURERS = find_measurers("stage", package=__name__, path=__path__, folder="worker/stage_figures")


def measure_stage_figures(stage: Compressed) -> dict[str, float]:
    """Return the figures of a stage that have a file of their own, by name."""
    return {name: measure(stage) for name, measure in _MEASURERS.items()}
