"""The static picture of parallel coordinates: positions in SVG units, which `templates/picture.html` draws."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from edgepress_api.report.charts.scales import Scale, Tick, linear_scale, log_scale, make_ticks, plain_number
from edgepress_api.report.charts.search import TRIAL_COLOURS
from edgepress_common.answers.charts import ChartAxis, ParallelChart, ParallelLine

_HEIGHT = 240.0
_CHARACTER = 5.5  # approximate width
_LEAST_GAP = 76.0  # between two axes: the titles above them
_MARGIN = 12.0


@dataclass(frozen=True)
class DrawnAxis:
    """An axis: its position from the left, and its ticks from the top."""

    axis: ChartAxis
    x: float
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class DrawnLine:
    """A line, in parts between values that are not known; each in the format of SVG's ``polyline``."""

    line: ParallelLine
    parts: tuple[str, ...]


@dataclass(frozen=True)
class ParallelPicture:
    """Parallel coordinates to draw.

    Attributes:
        width: Width of the drawing area, with the labels of the last axis.
        height: Height of the axes.
        axes: The axes.
        lines: The lines, those in front last.
    """

    width: float
    height: float
    axes: tuple[DrawnAxis, ...]
    lines: tuple[DrawnLine, ...]


def parallel_picture(chart: ParallelChart) -> ParallelPicture:
    """Return the picture of parallel coordinates."""
    axes: list[DrawnAxis] = []
    scales: list[Scale] = []
    x = _MARGIN
    for number, axis in enumerate(chart.axes):
        scale, ticks = _scale(axis, [value for line in chart.lines if (value := line.values[number]) is not None])
        axes.append(DrawnAxis(axis, x, ticks))
        scales.append(scale)
        x += max(_LEAST_GAP, _CHARACTER * max(map(len, (axis.title, *(tick.label for tick in ticks)))) + _MARGIN)
    in_front = list(TRIAL_COLOURS.values())
    lines = (
        DrawnLine(line, tuple(_parts(line, [axis.x for axis in axes], scales)))
        for line in sorted(chart.lines, key=lambda each: in_front.index(each.colour))
    )
    return ParallelPicture(x, _HEIGHT, tuple(axes), tuple(lines))


def _scale(axis: ChartAxis, values: Sequence[float]) -> tuple[Scale, tuple[Tick, ...]]:
    """Return the scale of an axis, from the bottom, and its ticks, from the top. The first row is at the bottom."""
    if axis.rows:
        scale = Scale(-0.5, len(axis.rows) - 0.5, _HEIGHT)
        return scale, tuple(Tick(_HEIGHT - scale.at(number), name) for number, name in enumerate(axis.rows))
    scale, known = (log_scale if axis.is_log else linear_scale)(values or [1], _HEIGHT)
    ticks = make_ticks(scale, known, plain_number)
    return scale, tuple(Tick(_HEIGHT - tick.position, tick.label) for tick in ticks)


def _parts(line: ParallelLine, places: Sequence[float], scales: Sequence[Scale]) -> Iterator[str]:
    along = zip(places, scales, line.values, strict=True)
    for is_known, group in groupby(along, key=lambda each: each[2] is not None):
        if is_known:
            yield " ".join(f"{x:.1f},{_HEIGHT - scale.at(value or 0):.1f}" for x, scale, value in group)
