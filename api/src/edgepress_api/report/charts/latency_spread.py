"""The distribution of latencies, row by row.

A line goes from the lowest to the highest, a bar from the median to the 90th percentile; a tick is at the 99th. The
scale is logarithmic, because exports differ by factors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_api.report.charts.files import colours
from edgepress_api.report.charts.scales import Tick, log_scale, make_ticks, plain_number
from edgepress_api.report.words import milliseconds
from edgepress_common.answers.report import ReportRow

WIDTH = 520.0
LINE_HEIGHT = 15.0
_SMALLEST_MS = 1e-4  # below the resolution of clocks


@dataclass(frozen=True)
class Spread:
    """A row: its name, and the positions of its percentiles."""

    name: str
    colour: int
    least: float
    p50: float
    p90: float
    p99: float
    most: float
    words: str


@dataclass(frozen=True)
class LatencySpread:
    """The distributions of a device, and the axis below them."""

    device: str
    spreads: tuple[Spread, ...]
    ticks: tuple[Tick, ...]
    height: float


def latency_spreads(rows: Sequence[ReportRow]) -> tuple[LatencySpread, ...]:
    """Return a chart for each device that is not emulated."""
    timed = [row for row in rows if not row.emulated]
    palette = colours(rows)
    return tuple(
        _spreads(device, [row for row in timed if row.device == device], palette)
        for device in dict.fromkeys(row.device for row in timed)
    )


def _spreads(device: str, rows: Sequence[ReportRow], palette: dict[str, int]) -> LatencySpread:
    ends = [max(_SMALLEST_MS, end) for row in rows for end in (row.latency_ms.min, row.latency_ms.max)]
    scale, values = log_scale(ends, WIDTH)
    several = len({row.threads for row in rows}) > 1
    spreads = []
    for row in rows:
        found = row.latency_ms
        least, p50, p90, p99, most = (
            scale.at(max(_SMALLEST_MS, value)) for value in (found.min, found.p50, found.p90, found.p99, found.max)
        )
        name = f"{row.pipeline} {row.export_name}" + (f", {row.threads} threads" if several else "")
        words = (
            f"{name}: {milliseconds(found.min)} to {milliseconds(found.max)}, median {milliseconds(found.p50)}, "
            f"90 % below {milliseconds(found.p90)}, 99 % below {milliseconds(found.p99)}; {found.runs} inferences"
        )
        spreads.append(Spread(name, palette[row.method], least, p50, p90, p99, most, words))
    return LatencySpread(device, tuple(spreads), make_ticks(scale, values, plain_number), LINE_HEIGHT * len(rows))
