"""What charts of files have in common: a colour for each method, a mark for each export, a point for each file."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_api.recommendation.candidates import at_best_threads
from edgepress_api.report.document import Report, ReportRow
from edgepress_common.spec import EXPORTS, ExportKind

COLOURS = 10  # of Tol's muted palette (2021, SRON/EPS/TN/09-002), which the style sheet has

# Paths around (0, 0), all of about the same area.
MARKS: dict[ExportKind, str] = {
    "float32": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",
    "float16": "M-3.5,-3.5h7v7h-7z",
    "dynamic": "M0,-5L4.6,3.2H-4.6z",
    "int16x8": "M0,5L4.6,-3.2H-4.6z",
    "int8": "M0,-5L5,0L0,5L-5,0z",
}
assert set(MARKS) == set(EXPORTS)


@dataclass(frozen=True)
class Key:
    """An entry of a legend: a method with its colour, from 0."""

    name: str
    colour: int


@dataclass(frozen=True)
class DeviceFiles:
    """The files measured on a device, each at the number of threads that it is fastest with."""

    device: str
    emulated: bool
    rows: tuple[ReportRow, ...]


def device_files(report: Report) -> tuple[DeviceFiles, ...]:
    """Device by device, in the order of the report."""
    return tuple(
        DeviceFiles(device, rows[0].emulated, tuple(at_best_threads(rows)))
        for device in dict.fromkeys(row.device for row in report.rows)
        if (rows := [row for row in report.rows if row.device == device])
    )


def method_keys(rows: Sequence[ReportRow]) -> tuple[Key, ...]:
    """The methods that there are; more than there are colours begin with the first again."""
    return tuple(Key(name, at % COLOURS) for at, name in enumerate(dict.fromkeys(row.method for row in rows)))


def colours(rows: Sequence[ReportRow]) -> dict[str, int]:
    """The colour of each method."""
    return {key.name: key.colour for key in method_keys(rows)}
