"""The study's final comparison (its Figures A7 and A8): accuracy, time, size and zipped size, file by file.

Four panels side by side over one list of files, so that a line across is a file. Accuracies are points with their 95 %
interval, on a scale that shows differences. The others are bars from 0; one that is more than four times the median is
cut, and says its value, so that a single slow export does not make all others look alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from edgepress_api.report.charts.files import DeviceFiles, colours
from edgepress_api.report.charts.scales import Scale, Tick, linear_scale, make_ticks, plain_number
from edgepress_api.report.document import ReportRow
from edgepress_api.report.words import milliseconds, percent, size

PANEL_WIDTH = 150.0
LINE_HEIGHT = 15.0
_CUT = 4  # times the median
_STEPS = 3  # between ticks of a panel: there is room for few
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Bar:
    """A file's bar.

    Attributes:
        width: From 0.
        label: Its value.
        is_cut: Whether it is longer than there is room for.
    """

    width: float
    label: str
    is_cut: bool


@dataclass(frozen=True)
class Dot:
    """A file's accuracy: where it is, and its interval."""

    at: float
    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Panel:
    """One of the four: a heading, an axis, and a mark for each file."""

    title: str
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class FileName:
    """A line's file, and the colour of its method; ``begins`` where its pipeline begins."""

    pipeline: str
    export: str
    colour: int
    begins: bool


@dataclass(frozen=True)
class FinalComparison:
    """The whole.

    Attributes:
        device: What was measured on.
        names: Of the lines.
        panels: Side by side.
        height: Of all lines.
    """

    device: str
    names: tuple[FileName, ...]
    panels: tuple[Panel, ...]
    height: float


def final_comparison(files: DeviceFiles, palette: Sequence[ReportRow]) -> FinalComparison:
    """The four panels of a device.

    Args:
        files: The device's.
        palette: All rows of the report, which colours go by.
    """
    found = colours(palette)
    rows = files.rows
    names = tuple(
        FileName(row.pipeline, row.export, found[row.method], begins=at == 0 or rows[at - 1].pipeline != row.pipeline)
        for at, row in enumerate(rows)
    )
    panels = [_accuracy_panel(rows)]
    if not files.emulated:
        panels.append(_bar_panel("Time of one image, ms", rows, lambda row: row.latency_ms.p50, milliseconds))
    panels.append(_bar_panel("Size, MB", rows, lambda row: row.size_bytes / _MEGABYTE, _megabytes))
    panels.append(_bar_panel("Zipped, MB", rows, lambda row: row.zip_bytes / _MEGABYTE, _megabytes))
    return FinalComparison(files.device, names, tuple(panels), LINE_HEIGHT * len(rows))


def _accuracy_panel(rows: Sequence[ReportRow]) -> Panel:
    intervals = [(row.accuracy_low or row.accuracy, row.accuracy_high or row.accuracy) for row in rows]
    ends = [100 * end for interval in intervals for end in interval]
    scale, values = linear_scale(ends, PANEL_WIDTH, steps=_STEPS)
    dots = tuple(
        Dot(scale.at(100 * row.accuracy), scale.at(100 * low), scale.at(100 * high), percent(row.accuracy))
        for row, (low, high) in zip(rows, intervals, strict=True)
    )
    return Panel("Accuracy, %", make_ticks(scale, values, plain_number), (), dots)


def _bar_panel(
    title: str, rows: Sequence[ReportRow], measure: Callable[[ReportRow], float], label: Callable[[float], str]
) -> Panel:
    values = [measure(row) for row in rows]
    limit = _CUT * median(values)
    longest = max((value for value in values if value <= limit), default=max(values))
    _, ticks = linear_scale([0, longest], PANEL_WIDTH, steps=_STEPS)
    # Ticks end at a round value; the drawing at the longest bar.
    scale = Scale(0, longest or 1, PANEL_WIDTH)
    bars = tuple(Bar(scale.at(value), label(value), is_cut=value > longest) for value in values)
    return Panel(title, make_ticks(scale, [tick for tick in ticks if tick <= longest], plain_number), bars, ())


def _megabytes(value: float) -> str:
    return size(round(value * _MEGABYTE))
