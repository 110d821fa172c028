"""The study's final comparison (its Figures A7 and A8): accuracy and the other criteria, file by file.

Panels, one for each criterion and one for the time of the whole validation set, share a list of files, so that each
line is a file. A pipeline begins with its Keras model, which has an accuracy and sizes but no times. Accuracies are
points with their 95 % interval, on a scale that shows differences. The others are bars from 0; a bar longer than four
times the median is cut and labelled, so that a single slow export does not make all others look the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from edgepress_api.recommendation.candidates import accuracy_of
from edgepress_api.report.charts.files import DeviceFiles, colours
from edgepress_api.report.charts.scales import Scale, Tick, linear_scale, make_ticks, plain_number
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import Figure
from edgepress_common.figures.formats import bare_value, percent
from edgepress_common.figures.objectives import TOLD
from edgepress_common.significance import wilson

PANEL_WIDTH = 150.0
LINE_HEIGHT = 15.0
_CUT = 4  # times the median
_STEPS = 3  # intervals between the ticks of a panel, which is narrow


@dataclass(frozen=True)
class Bar:
    """A file's bar.

    Attributes:
        width: Width of the bar, from 0.
        label: The value.
        is_cut: Whether it is longer than the panel.
    """

    width: float
    label: str
    is_cut: bool


@dataclass(frozen=True)
class Dot:
    """A file's accuracy: the positions of the value and of its interval."""

    at: float
    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Panel:
    """The panel of a criterion: a title, an axis, and a mark for each file."""

    title: str
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class FileName:
    """The name of a line's file, and the colour of its method; ``begins`` is true for the first file of a pipeline."""

    pipeline: str
    export: str
    colour: int
    begins: bool


@dataclass(frozen=True)
class FinalComparison:
    """The chart of a device.

    Attributes:
        device: Name of the device.
        names: Name of each line.
        panels: The panels, from left to right.
        height: Total height of the lines.
    """

    device: str
    names: tuple[FileName, ...]
    panels: tuple[Panel, ...]
    height: float


@dataclass(frozen=True)
class _Line:
    """A line of the chart: a file, or the Keras model that the files of a pipeline were made from."""

    row: ReportRow
    keras_accuracy: float | None = None

    def value(self, figure: Figure) -> float | None:
        if self.keras_accuracy is None:
            return figure.comparable(self.row)
        known = {"size_bytes": self.row.keras_bytes, "zip_bytes": self.row.keras_zip_bytes}
        return known.get(figure.name)

    def interval(self) -> tuple[float, float, float]:
        """Return the accuracy and the ends of its whisker."""
        if self.keras_accuracy is None:
            return accuracy_of(self.row), *_accuracy_interval(self.row)
        found = wilson(self.keras_accuracy, self.row.images)
        return self.keras_accuracy, found.low, found.high


def final_comparison(
    files: DeviceFiles, palette: Sequence[ReportRow], keras_accuracies: Mapping[str, float] | None = None
) -> FinalComparison:
    """Return the panels of a device.

    Args:
        files: Files of the device.
        palette: All rows of the report, which determine the colours.
        keras_accuracies: Validation accuracy of each pipeline's Keras model, 0 to 1, by name; None to draw files alone.
    """
    found = colours(palette)
    lines, names = [], []
    for at, row in enumerate(files.rows):
        begins = at == 0 or files.rows[at - 1].pipeline != row.pipeline
        if begins and keras_accuracies and row.pipeline in keras_accuracies:
            lines.append(_Line(row, keras_accuracies[row.pipeline]))
            names.append(FileName(row.pipeline, "Keras", found[row.method], begins=True))
            begins = False
        lines.append(_Line(row))
        names.append(FileName(row.pipeline, row.export, found[row.method], begins=begins))
    figures = [each.figure for criterion, each in TOLD.items() if criterion != "accuracy"]
    panels = [_accuracy_panel(lines)]
    panels += [
        _bar_panel(each, lines)
        for each in (*figures, FIGURES["total_seconds"])
        if all(each.comparable(row) is not None for row in files.rows)
    ]
    return FinalComparison(files.device, tuple(names), tuple(panels), LINE_HEIGHT * len(lines))


def _accuracy_panel(lines: Sequence[_Line]) -> Panel:
    intervals = [line.interval() for line in lines]
    ends = [100 * end for interval in intervals for end in interval]
    scale, values = linear_scale(ends, PANEL_WIDTH, steps=_STEPS)
    dots = tuple(
        Dot(scale.at(100 * accuracy), scale.at(100 * low), scale.at(100 * high), percent(accuracy))
        for accuracy, low, high in intervals
    )
    return Panel("Accuracy, %", make_ticks(scale, values, plain_number), (), dots)


def _accuracy_interval(row: ReportRow) -> tuple[float, float]:
    """Return the ends of the whisker: of the 95 % interval, or, over seeds, a standard deviation around the mean."""
    over = row.over_seeds
    if over is not None:
        return max(0.0, over.accuracy_mean - over.accuracy_std), min(1.0, over.accuracy_mean + over.accuracy_std)
    return row.accuracy_low or row.accuracy, row.accuracy_high or row.accuracy


def _bar_panel(figure: Figure, lines: Sequence[_Line]) -> Panel:
    known = [line.value(figure) for line in lines]
    values = [bare_value(value, figure.unit) for value in known if value is not None]
    limit = _CUT * median(values)
    longest = max((value for value in values if value <= limit), default=max(values))
    _, ticks = linear_scale([0, longest], PANEL_WIDTH, steps=_STEPS)
    # Ticks end at a round value; the drawing at the longest bar.
    scale = Scale(0, longest or 1, PANEL_WIDTH)
    bars = tuple(
        Bar(0, "", is_cut=False)
        if value is None
        else Bar(
            scale.at(bare_value(value, figure.unit)),
            figure.text(value),
            is_cut=bare_value(value, figure.unit) > longest,
        )
        for value in known
    )
    words = figure.goal.title if figure.goal is not None else figure.head
    title = ", ".join(part for part in (words.capitalize(), figure.bare_unit) if part)
    return Panel(title, make_ticks(scale, [tick for tick in ticks if tick <= longest], plain_number), bars, ())
