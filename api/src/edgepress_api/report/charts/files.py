"""Shared parts of charts of files: colours of methods, marks of exports, the files of a device."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from edgepress_api.recommendation.candidates import at_best_threads, representatives
from edgepress_common.answers.report import Report, ReportRow
from edgepress_common.spec import EXPORTS, ExportKind

COLOURS = 10  # colours of Tol's muted palette (2021, SRON/EPS/TN/09-002), which the style sheet defines as m0 to m9

# Paths around (0, 0) of about the same area, one for each export.
_PATHS = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",
    "M-3.5,-3.5h7v7h-7z",
    "M0,-5L4.6,3.2H-4.6z",
    "M0,5L4.6,-3.2H-4.6z",
    "M0,-5L5,0L0,5L-5,0z",
)
MARKS: dict[ExportKind, str] = dict(zip(EXPORTS, cycle(_PATHS), strict=False))


@dataclass(frozen=True)
class DeviceFiles:
    """The files measured on a device, each at its fastest number of threads."""

    device: str
    emulated: bool
    rows: tuple[ReportRow, ...]


def device_files(report: Report) -> tuple[DeviceFiles, ...]:
    """Return the files by device, in the order of the report; of an export with several seeds the representative."""
    return tuple(
        DeviceFiles(device, rows[0].emulated, tuple(at_best_threads(representatives(rows))))
        for device in dict.fromkeys(row.device for row in report.rows)
        if (rows := [row for row in report.rows if row.device == device])
    )


def method_colours(rows: Sequence[ReportRow]) -> dict[str, str]:
    """Return the colour of each method of the report; colours repeat if there are more methods than colours."""
    return {name: f"m{at % COLOURS}" for at, name in enumerate(dict.fromkeys(row.method for row in rows))}
