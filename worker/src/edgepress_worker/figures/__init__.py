"""Figures of a .tflite file, one file for each: ``measure(file: Path) -> float``.

A figure is declared in `edgepress_common.figures` with ``source=Measured("export")``; the file here has its name. Files
in the folder ``worker/figures`` of an extension folder belong to this package.
"""

from pathlib import Path

from edgepress_common.figures.measuring import find_measurers

_MEASURERS = find_measurers("export", package=__name__, path=__path__, folder="worker/figures")


def measure_figures(file: Path) -> dict[str, float]:
    """Return the figures of a .tflite file that have a file of their own, by name."""
    return {name: measure(file) for name, measure in _MEASURERS.items()}
