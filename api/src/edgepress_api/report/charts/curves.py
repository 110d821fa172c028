"""Training curves as lines that a template draws: figures in, points of an SVG out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_api.report.charts.scales import Tick, round_step
from edgepress_common.results import Epoch

# Of the drawing area, in SVG's units; the page scales it.
WIDTH, HEIGHT = 320.0, 150.0
_TICKS = 5  # steps between the lines of the grid, at the most
_LARGEST = 1e9  # a loss beyond has diverged: what follows is not to be seen in the same drawing
_SMALLEST_SPAN = 1e-6  # share of the values below which their differences are rounding


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes:
        name: What it shows.
        points: As SVG's ``polyline`` has them.
        last: The last point alone, which is all there is to see of a single epoch.
    """

    name: str
    points: str
    last: tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """Curves over epochs, in one drawing.

    Attributes:
        title: What is drawn.
        lines: The curves.
        ticks: The grid, from bottom to top.
        epochs: The last epoch.
    """

    title: str
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    epochs: int


def training_charts(epochs: Sequence[Epoch]) -> tuple[Chart, ...]:
    """Accuracy and loss, in training and validation; nothing where there are not two epochs to draw a line between."""
    if len(epochs) <= 1:
        return ()
    return (
        _chart(
            "Accuracy",
            {"training": [epoch.accuracy for epoch in epochs], "validation": [epoch.val_accuracy for epoch in epochs]},
        ),
        _chart(
            "Loss", {"training": [epoch.loss for epoch in epochs], "validation": [epoch.val_loss for epoch in epochs]}
        ),
    )


def _chart(title: str, series: dict[str, list[float]]) -> Chart:
    values = [value for line in series.values() for value in line if _is_drawn(value)] or [0.0]
    least_span = _SMALLEST_SPAN * max(1.0, *map(abs, values))
    step = round_step(max(max(values) - min(values), least_span), _TICKS)
    low = math.floor(min(values) / step) * step
    high = max(math.ceil(max(values) / step) * step, low + step)
    digits = max(0, -math.floor(math.log10(step)))
    count = round((high - low) / step)
    return Chart(
        title=title,
        lines=tuple(_line(name, line, low, high) for name, line in series.items()),
        ticks=tuple(
            Tick(position=HEIGHT * (1 - index / count), label=f"{low + index * step:.{digits}f}")
            for index in range(count + 1)
        ),
        epochs=max(len(line) for line in series.values()),
    )


def _is_drawn(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= _LARGEST


def _line(name: str, values: Sequence[float], low: float, high: float) -> Line:
    last_epoch = max(1, len(values) - 1)
    points = [
        (WIDTH * index / last_epoch, HEIGHT * (1 - (value - low) / (high - low)))
        for index, value in enumerate(values)
        if _is_drawn(value)
    ]
    return Line(
        name=name, points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), last=points[-1] if points else (0, HEIGHT)
    )
