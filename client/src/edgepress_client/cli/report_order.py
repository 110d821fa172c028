"""The rows of a report in another order, and without files that miss a limit."""

from typing import TYPE_CHECKING, Literal

from edgepress_common.answers.recommendation import Candidate
from edgepress_common.answers.report import Report, ReportRow
from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import Figure
from edgepress_common.figures.objectives import OBJECTIVES

_FIGURES = {criterion: each.figure for criterion, each in OBJECTIVES.items()} | {"memory": FIGURES["peak_memory_bytes"]}
"""The figures that rows can be sorted by."""

if TYPE_CHECKING:
    SortKey = str
else:
    SortKey = Literal[("spec", "rank", *_FIGURES)]

_LAST = float("inf")


def sorted_report(report: Report, key: SortKey) -> Report:
    """Return the report with its rows in another order, the best first; the sort is stable.

    Args:
        report: The report.
        key: A criterion or ``memory``; ``rank`` is the order of the recommendation, device by device; ``spec`` that of
            the spec.
    """
    match key:
        case "spec":
            return report
        case "rank":
            places = {_file(device, each): _place(each) for device, each in _candidates(report)}
            devices = list(dict.fromkeys(row.device for row in report.rows))
            rows = sorted(
                report.rows, key=lambda row: (devices.index(row.device), places.get(_file(row.device, row), _LAST))
            )
        case _:
            rows = sorted(report.rows, key=lambda row: _cost(_FIGURES[key], row))
    return report.model_copy(update={"rows": tuple(rows)})


def within_limits(report: Report) -> tuple[Report, list[str]]:
    """Return the report without the files that miss a limit, and a note for each of those files."""
    missing = {_file(device, each): each for device, each in _candidates(report) if each.misses}
    rows = tuple(row for row in report.rows if _file(row.device, row) not in missing)
    notes = [
        f"left out: {each.pipeline} {each.export_name} on {device}: {', '.join(each.misses)}"
        for (device, *_), each in missing.items()
    ]
    return report.model_copy(update={"rows": rows}), notes


def _cost(figure: Figure, row: ReportRow) -> float:
    """Return a number that is smaller for better values; unknown values come last."""
    value = figure.of(row)
    if value is None:
        return _LAST
    return -value if figure.direction == "higher" else value


def _candidates(report: Report) -> list[tuple[str, Candidate]]:
    devices = () if report.recommendation is None else report.recommendation.devices
    return [(device.device, each) for device in devices for each in device.candidates]


def _file(device: str, of: ReportRow | Candidate) -> tuple[str, str, str, str]:
    return device, of.pipeline, of.export, of.model_sha256


def _place(candidate: Candidate) -> float:
    return _LAST if candidate.standing is None else candidate.standing.place
