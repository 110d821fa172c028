"""Charts as data, which the dashboard and the report draw with the same script."""

from typing import Literal

from edgepress_common.frozen import Message, added_field

ChartTopic = Literal["final_comparison", "trade_off", "latency", "training", "search"]

SeriesKind = Literal["line", "steps", "points", "bars", "spreads"]
"""``steps``: a line that is flat until the next point; ``spreads``: each point with its distribution, see `Spread`."""


class ChartAxis(Message):
    """An axis of a chart.

    Attributes:
        title: What is measured, with its unit.
        is_log: Whether equal ratios have equal distances.
        rows: Names of rows, from top to bottom; points then have the number of a row, from 0. Empty for a numeric axis.
        is_labelled: Whether the names of the rows are written; a chart to the left may have written them.
        ends: Lowest and highest value that the axis shows; None for the range of the points.
    """

    title: str
    is_log: bool = added_field(default=False)
    rows: tuple[str, ...] = added_field(())
    is_labelled: bool = added_field(default=True)
    ends: tuple[float, float] | None = added_field(None)


class Spread(Message):
    """The parts of a distribution along the axis ``x``.

    Attributes:
        low: Where the whisker begins.
        box: Both ends of the box; None without one.
        tick: A mark beyond the box, such as the 99th percentile; None without one.
        high: Where the whisker ends.
    """

    low: float
    box: tuple[float, float] | None = added_field(None)
    tick: float | None = added_field(None)
    high: float


class ChartPoint(Message):
    """A point of a series.

    Attributes:
        x: Position on the horizontal axis.
        y: Position on the vertical axis.
        words: Its name and figures.
        label: What is written next to it; empty for nothing. A label that would cover another is moved or left out.
        mark: Shape, as an SVG path around (0, 0); empty for a circle.
        is_faint: Whether it counts less, as a file that exceeds a limit.
        is_ringed: Whether it has a ring, as the knee of a front.
        spread: The distribution that it stands for.
    """

    x: float
    y: float
    words: str = added_field("")
    label: str = added_field("")
    mark: str = added_field("")
    is_faint: bool = added_field(default=False)
    is_ringed: bool = added_field(default=False)
    spread: Spread | None = added_field(None)


class ChartSeries(Message):
    """Points that belong together, which can be hidden together.

    Attributes:
        name: Name in the legend.
        kind: How the points are drawn.
        colour: Class of the style sheet that has the colour.
        points: The points, in the order of a line.
    """

    name: str
    kind: SeriesKind
    colour: str
    points: tuple[ChartPoint, ...]


class Chart(Message):
    """A chart with two axes.

    Attributes:
        topic: What it belongs to.
        title: Its title.
        summary: What it shows, in a sentence, for users who do not see it.
        device: Name of the device; None if it does not depend on one.
        x: Horizontal axis.
        y: Vertical axis.
        series: The series, those in front last.
    """

    topic: ChartTopic
    title: str
    summary: str
    device: str | None = added_field(None)
    x: ChartAxis
    y: ChartAxis
    series: tuple[ChartSeries, ...]


class ParallelLine(Message):
    """A line of parallel coordinates.

    Attributes:
        name: What it stands for.
        values: Its value on each axis, or the number of its row; None where it is not known.
        colour: Class of the style sheet that has the colour.
    """

    name: str
    values: tuple[float | None, ...]
    colour: str


class ParallelChart(Message):
    """Parallel coordinates: an axis for each choice and figure, a line for each trial.

    Attributes:
        title: Its title.
        summary: What it shows, in a sentence, for users who do not see it.
        axes: The axes, from left to right.
        lines: The lines.
    """

    title: str
    summary: str
    axes: tuple[ChartAxis, ...]
    lines: tuple[ParallelLine, ...]


class JobCharts(Message):
    """The charts of a job's report.

    Attributes:
        charts: The charts, in the order of the report.
    """

    charts: tuple[Chart, ...]
