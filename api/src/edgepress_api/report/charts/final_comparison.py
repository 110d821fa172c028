"""The study's final comparison (its Figures A7 and A8): accuracy and the other criteria, file by file.

Charts, one for each criterion and one for the time of the whole validation set, share a list of files, so that each
row is a file. A pipeline begins with its Keras model, which has an accuracy and sizes but no times. Accuracies are
points with their 95 % interval, on a scale that shows differences. The others are bars from 0; a bar longer than four
times the median is cut and labelled, so that a single slow export does not make all others look the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from edgepress_api.recommendation.candidates import accuracy_of
from edgepress_api.report.charts.files import DeviceFiles, method_colours
from edgepress_common.answers.charts import Chart, ChartAxis, ChartPoint, ChartSeries, SeriesKind, Spread
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import Figure
from edgepress_common.figures.formats import bare_value, percent
from edgepress_common.figures.objectives import TOLD
from edgepress_common.significance import wilson

_CUT = 4  # times the median


@dataclass(frozen=True)
class _Line:
    """A row of the charts: a file, or the Keras model that the files of a pipeline were made from."""

    row: ReportRow
    keras_accuracy: float | None = None

    @property
    def name(self) -> str:
        return f"{self.row.pipeline} {self.row.export if self.keras_accuracy is None else 'Keras'}"

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


@dataclass(frozen=True)
class _Panels:
    """The parts that the charts of a device share."""

    device: str
    lines: tuple[_Line, ...]
    colours: Mapping[str, str]

    def chart(self, title: str, kind: SeriesKind, points: Mapping[int, ChartPoint], most: float | None = None) -> Chart:
        """Return a chart with the points of some of the rows."""
        methods = dict.fromkeys(line.row.method for line in self.lines)
        return Chart(
            topic="final_comparison",
            title=title,
            summary=f"{title}, of {len(points)} files on {self.device}",
            device=self.device,
            x=ChartAxis(title=title, ends=None if most is None else (0, most)),
            y=ChartAxis(
                title="", rows=tuple(line.name for line in self.lines), is_labelled=title.startswith("Accuracy")
            ),
            series=tuple(
                ChartSeries(
                    name=method,
                    kind=kind,
                    colour=self.colours[method],
                    points=tuple(point for at, point in points.items() if self.lines[at].row.method == method),
                )
                for method in methods
            ),
        )


def final_comparison(
    files: DeviceFiles, palette: Sequence[ReportRow], keras_accuracies: Mapping[str, float] | None = None
) -> tuple[Chart, ...]:
    """Return the charts of a device.

    Args:
        files: Files of the device.
        palette: All rows of the report, which determine the colours.
        keras_accuracies: Validation accuracy of each pipeline's Keras model, 0 to 1, by name; None to draw files alone.
    """
    lines = []
    for at, row in enumerate(files.rows):
        begins = at == 0 or files.rows[at - 1].pipeline != row.pipeline
        if begins and keras_accuracies and row.pipeline in keras_accuracies:
            lines.append(_Line(row, keras_accuracies[row.pipeline]))
        lines.append(_Line(row))
    panels = _Panels(files.device, tuple(lines), method_colours(palette))
    figures = [each.figure for criterion, each in TOLD.items() if criterion != "accuracy"]
    return (
        _accuracy_panel(panels),
        *(
            _bar_panel(panels, each)
            for each in (*figures, FIGURES["total_seconds"])
            if all(each.comparable(row) is not None for row in files.rows)
        ),
    )


def _accuracy_panel(panels: _Panels) -> Chart:
    points = {}
    for at, line in enumerate(panels.lines):
        accuracy, low, high = line.interval()
        words = f"{line.name}: {percent(accuracy)}, {100 * low:.2f} to {percent(high)}"
        points[at] = ChartPoint(x=100 * accuracy, y=at, words=words, spread=Spread(low=100 * low, high=100 * high))
    return panels.chart("Accuracy, %", "spreads", points)


def _accuracy_interval(row: ReportRow) -> tuple[float, float]:
    """Return the ends of the whisker: of the 95 % interval, or, over seeds, a standard deviation around the mean."""
    over = row.over_seeds
    if over is not None:
        return max(0.0, over.accuracy_mean - over.accuracy_std), min(1.0, over.accuracy_mean + over.accuracy_std)
    return row.accuracy_low or row.accuracy, row.accuracy_high or row.accuracy


def _bar_panel(panels: _Panels, figure: Figure) -> Chart:
    known = {at: value for at, line in enumerate(panels.lines) if (value := line.value(figure)) is not None}
    values = {at: bare_value(value, figure.unit) for at, value in known.items()}
    limit = _CUT * median(values.values())
    longest = max((value for value in values.values() if value <= limit), default=max(values.values()))
    points = {}
    for at, value in known.items():
        text = figure.text(value)
        points[at] = ChartPoint(
            x=min(values[at], longest),
            y=at,
            words=f"{panels.lines[at].name}: {text}",
            label=text if values[at] <= longest else f"\N{RIGHTWARDS ARROW} {text}",
        )
    words = figure.goal.title if figure.goal is not None else figure.head
    title = ", ".join(part for part in (words.capitalize(), figure.bare_unit) if part)
    return panels.chart(title, "bars", points, longest or 1)
