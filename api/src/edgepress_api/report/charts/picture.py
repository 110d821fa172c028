"""The static picture of a chart: positions in SVG units, which `templates/picture.html` draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from edgepress_api.report.charts.scales import Scale, Tick, linear_scale, log_scale, make_ticks, plain_number
from edgepress_common.answers.charts import Chart, ChartAxis, ChartPoint, ChartSeries, Spread

_ROW_HEIGHT = 15.0
_HEIGHT, _WIDTH = 220.0, 400.0
_CURVE_HEIGHT, _CURVE_WIDTH = 150.0, 320.0
_PANEL_WIDTH = 150.0
_CHARACTER = 5.5  # approximate width
_LABEL_CHARACTER, _LABEL_HEIGHT = 6.0, 11.0
_CIRCLE = "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z"


@dataclass(frozen=True)
class Mark:
    """A point, with its position from the left and the top; ``label`` is written unless it would cover another."""

    x: float
    y: float
    point: ChartPoint
    path: str
    label: str
    is_left: bool
    spread: Spread | None


@dataclass(frozen=True)
class Drawing:
    """A series: its marks, and its line in the format of SVG's ``polyline``."""

    series: ChartSeries
    marks: tuple[Mark, ...]
    line: str


@dataclass(frozen=True)
class Picture:
    """A chart to draw.

    Attributes:
        chart: The chart.
        left: Width of the names of rows, or of the ticks of the vertical axis.
        width: Width of the drawing area.
        height: Height of the drawing area.
        x_ticks: Ticks of the horizontal axis.
        y_ticks: Ticks of the vertical axis, or the names of the rows.
        drawings: The series.
    """

    chart: Chart
    left: float
    width: float
    height: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    drawings: tuple[Drawing, ...]

    @property
    def full_width(self) -> float:
        """Width with the names of the rows and the labels to the right of bars."""
        return self.left + self.width + (70 if self.chart.y.rows else 20)


def picture(chart: Chart) -> Picture:
    """Return the picture of a chart."""
    rows = chart.y.rows
    width, height = (_CURVE_WIDTH, _CURVE_HEIGHT) if chart.topic == "training" else (_WIDTH, _HEIGHT)
    if rows:
        width, height = (_PANEL_WIDTH if chart.topic == "final_comparison" else _WIDTH), _ROW_HEIGHT * len(rows)
    points = [point for series in chart.series for point in series.points]
    across, x_values = _scale(chart.x, [each for point in points for each in _ends(point)], width)
    up, y_values = linear_scale([point.y for point in points] or [0], height)
    if rows:
        y_ticks = tuple(Tick(_ROW_HEIGHT * (at + 0.5), name) for at, name in enumerate(rows))
    else:
        y_ticks = tuple(Tick(height - tick.position, tick.label) for tick in make_ticks(up, y_values, plain_number))

    def at(point: ChartPoint) -> tuple[float, float]:
        return across.at(point.x), _ROW_HEIGHT * (point.y + 0.5) if rows else height - up.at(point.y)

    left = 6 + _CHARACTER * max(map(len, rows), default=5) if chart.y.is_labelled else 0.0
    labelled = _labels([(point, *at(point)) for point in points], width) if not rows else set()
    drawings = []
    for series in chart.series:
        marks = tuple(
            Mark(
                *at(point),
                point=point,
                path=point.mark or _CIRCLE,
                label=point.label if rows or id(point) in labelled else "",
                is_left=not rows and at(point)[0] > width * 0.6,
                spread=point.spread and _placed(point.spread, across),
            )
            for point in series.points
        )
        drawings.append(Drawing(series, marks, _line(series, marks)))
    return Picture(chart, left, width, height, make_ticks(across, x_values, plain_number), y_ticks, tuple(drawings))


def _scale(axis: ChartAxis, values: Sequence[float], length: float) -> tuple[Scale, list[float]]:
    if axis.ends is not None:
        low, high = axis.ends
        _, ticks = linear_scale(axis.ends, length, steps=3)
        return Scale(low, high, length), [tick for tick in ticks if low <= tick <= high]
    return (log_scale if axis.is_log else linear_scale)(values or [1], length)


def _ends(point: ChartPoint) -> tuple[float, ...]:
    return (point.x,) if point.spread is None else (point.spread.low, point.spread.high)


def _placed(spread: Spread, scale: Scale) -> Spread:
    return Spread(
        low=scale.at(spread.low),
        box=None if spread.box is None else (scale.at(spread.box[0]), scale.at(spread.box[1])),
        tick=None if spread.tick is None else scale.at(spread.tick),
        high=scale.at(spread.high),
    )


def _line(series: ChartSeries, marks: Sequence[Mark]) -> str:
    """Return the line through the marks; as steps: flat until the next mark, then up to it."""
    if series.kind not in {"line", "steps"}:
        return ""
    corners = [(mark.x, mark.y) for mark in marks]
    if series.kind == "steps":
        corners = corners[:1] + [corner for one, other in pairwise(corners) for corner in ((other[0], one[1]), other)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def _labels(places: Sequence[tuple[ChartPoint, float, float]], width: float) -> set[int]:
    """Return the ids of the points whose labels are written: without those that would cover another."""
    taken: list[tuple[float, float, float]] = []
    found = set()
    for point, x, y in places:
        if not point.label:
            continue
        length = _LABEL_CHARACTER * len(point.label)
        left = x - length if x > width * 0.6 else x
        if all(abs(y - y2) > _LABEL_HEIGHT or left + length < l2 or left > r2 for y2, l2, r2 in taken):
            found.add(id(point))
            taken.append((y, left, left + length))
    return found
