"""The rows of a report in another order, and without those that miss a limit."""

from collections.abc import Callable
from typing import Literal

from edgepress_api.recommendation.document import Candidate
from edgepress_api.report import Report, ReportRow

SortKey = Literal["spec", "rank", "accuracy", "latency", "size", "zip", "memory"]

_LAST = float("inf")

_MEASURES: dict[SortKey, Callable[[ReportRow], float]] = {
    "accuracy": lambda row: -row.accuracy,
    "latency": lambda row: row.latency_ms.p50,
    "size": lambda row: row.size_bytes,
    "zip": lambda row: row.zip_bytes,
    "memory": lambda row: row.peak_memory_bytes,
}


def sorted_report(report: Report, key: SortKey) -> Report:
    """The report with its rows in another order, the best first; equal ones stay as they are.

    Args:
        report: The report.
        key: ``rank`` is the order of the recommendation, device by device; ``spec`` leaves them as they are.
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
            rows = sorted(report.rows, key=_MEASURES[key])
    return report.model_copy(update={"rows": tuple(rows)})


def within_limits(report: Report) -> tuple[Report, list[str]]:
    """The report without the files that miss a limit, and what is to be said of those."""
    missing = {_file(device, each): each for device, each in _candidates(report) if each.misses}
    rows = tuple(row for row in report.rows if _file(row.device, row) not in missing)
    notes = [
        f"left out: {each.pipeline} {each.export} on {device} {', '.join(each.misses)}"
        for (device, *_), each in missing.items()
    ]
    return report.model_copy(update={"rows": rows}), notes


def _candidates(report: Report) -> list[tuple[str, Candidate]]:
    devices = () if report.recommendation is None else report.recommendation.devices
    return [(device.device, each) for device in devices for each in device.candidates]


def _file(device: str, of: ReportRow | Candidate) -> tuple[str, str, str, str]:
    return device, of.pipeline, of.export, of.model_sha256


def _place(candidate: Candidate) -> float:
    return _LAST if candidate.standing is None else candidate.standing.place
