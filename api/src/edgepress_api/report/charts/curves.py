"""Training curves as lines in SVG units."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_api.report.charts.scales import Tick, round_step
from edgepress_common.answers.report import TrainingRecord
from edgepress_common.results import Epoch

# Size of the drawing area in SVG units; the page scales it.
WIDTH, HEIGHT = 320.0, 150.0
_TICKS = 5  # maximum number of intervals of the grid
_LARGEST = 1e9  # a larger loss has diverged, and would hide the other values
_SMALLEST_SPAN = 1e-6  # relative differences below this are rounding errors


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes:
        name: Name of the curve.
        points: The points in the format of SVG's ``polyline``.
        last: The last point, which is drawn separately.
    """

    name: str
    points: str
    last: tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """A chart of curves over epochs.

    Attributes:
        title: Title of the chart.
        lines: The curves.
        ticks: Lines of the grid, from bottom to top.
        epochs: The last epoch.
    """

    title: str
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    epochs: int


def training_charts(epochs: Sequence[Epoch]) -> tuple[Chart, ...]:
    """Return charts of accuracy and loss in training and validation, and of bits per weight where these are trained.

    There are none for fewer than two epochs.
    """
    if len(epochs) <= 1:
        return ()
    bits = [math.nan if epoch.bits_per_weight is None else epoch.bits_per_weight for epoch in epochs]
    rate = () if all(map(math.isnan, bits)) else (_chart("Estimated bits per weight", {"training": bits}),)
    return (
        _chart(
            "Accuracy",
            {"training": [epoch.accuracy for epoch in epochs], "validation": [epoch.val_accuracy for epoch in epochs]},
        ),
        _chart(
            "Loss", {"training": [epoch.loss for epoch in epochs], "validation": [epoch.val_loss for epoch in epochs]}
        ),
        *rate,
    )


def student_chart(trainings: Sequence[TrainingRecord]) -> Chart | None:
    """Return the validation accuracy of a student, of its teacher, and of the student trained without it: Figure 17.

    Args:
        trainings: All trainings of the report.

    Returns:
        The chart of the first distillation; None without one, or with fewer than two epochs.
    """
    student = next((each for each in trainings if each.stage == "distill" and len(each.epochs) > 1), None)
    if student is None:
        return None
    found = {"student": student}
    for each in trainings:
        if each.stage == "train" and len(each.stages) == 1:
            is_alone = each.architecture == student.architecture and each.parameters == student.parameters
            found.setdefault("alone" if is_alone else "teacher", each)
    series = {name: [epoch.val_accuracy for epoch in each.epochs] for name, each in found.items() if each.epochs}
    return _chart("Validation accuracy", series) if len(series) > 1 else None


def _chart(title: str, series: dict[str, list[float]]) -> Chart:
    values = [value for line in series.values() for value in line if _is_drawn(value)] or [0.0]
    least_span = _SMALLEST_SPAN * max(1.0, *map(abs, values))
    step = round_step(max(max(values) - min(values), least_span), _TICKS)
    low = math.floor(min(values) / step) * step
    high = max(math.ceil(max(values) / step) * step, low + step)
    digits = max(0, -math.floor(math.log10(step)))
    count = round((high - low) / step)
    epochs = max(len(line) for line in series.values())
    return Chart(
        title=title,
        lines=tuple(_line(name, line, (low, high), epochs) for name, line in series.items()),
        ticks=tuple(
            Tick(position=HEIGHT * (1 - index / count), label=f"{low + index * step:.{digits}f}")
            for index in range(count + 1)
        ),
        epochs=epochs,
    )


def _is_drawn(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= _LARGEST


def _line(name: str, values: Sequence[float], ends: tuple[float, float], epochs: int) -> Line:
    low, high = ends
    last_epoch = max(1, epochs - 1)
    points = [
        (WIDTH * index / last_epoch, HEIGHT * (1 - (value - low) / (high - low)))
        for index, value in enumerate(values)
        if _is_drawn(value)
    ]
    return Line(
        name=name, points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), last=points[-1] if points else (0, HEIGHT)
    )
