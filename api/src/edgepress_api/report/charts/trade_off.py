"""Accuracy against each other criterion: every file a point, the Pareto front as a line, its knee ringed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgepress_api.recommendation.candidates import accuracy_of
from edgepress_api.report.charts.files import MARKS, DeviceFiles, colours
from edgepress_api.report.charts.scales import Tick, linear_scale, log_scale, make_ticks, plain_number
from edgepress_common.answers.recommendation import Choice, DeviceRecommendation
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.formats import bare_value
from edgepress_common.figures.objectives import OBJECTIVES, TOLD
from edgepress_common.spec import Criterion

WIDTH, HEIGHT = 420.0, 260.0
_SMALLEST = 1e-9  # lower bound of values on a logarithmic scale
_LABEL_WIDTH = 6.0  # approximate width of a character
_LABEL_HEIGHT = 11.0


@dataclass(frozen=True)
class FilePoint:
    """A file.

    Attributes:
        x: Distance from the left.
        y: Distance from the top.
        mark: Path of its mark, by export.
        colour: Number of its colour, by method.
        words: Its name and figures.
        is_out: Whether it misses a limit.
        label: Text next to it; empty for points off the front, and where it would cover another.
        anchor: On which side of ``label`` the point is, as SVG has it.
    """

    x: float
    y: float
    mark: str
    colour: int
    words: str
    is_out: bool
    label: str
    anchor: str


@dataclass(frozen=True)
class TradeOff:
    """A chart of accuracy against another criterion.

    Attributes:
        title: Title of the chart.
        x_title: Title of the horizontal axis.
        x_ticks: Ticks of the horizontal axis.
        y_ticks: Ticks of the vertical axis.
        points: The files.
        front: Points of the front's line in the format of SVG's ``polyline``.
        knee: The knee; None if there is none.
    """

    title: str
    x_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[FilePoint, ...]
    front: str
    knee: tuple[float, float] | None


def trade_offs(
    files: DeviceFiles, recommended: DeviceRecommendation, palette: Sequence[ReportRow]
) -> tuple[TradeOff, ...]:
    """Return the charts of a device; none if no file is within the limits.

    Args:
        files: Files of the device.
        recommended: Recommendation for the device, with its fronts.
        palette: All rows of the report, which determine the colours.
    """
    out = {_key(candidate) for candidate in recommended.candidates if candidate.misses}
    return tuple(
        _trade_off(files.rows, front.against, front.members, front.knee, out=out, palette=colours(palette))
        for front in recommended.fronts
    )


def _trade_off(
    rows: Sequence[ReportRow],
    against: Criterion,
    members: Sequence[Choice],
    knee: Choice | None,
    *,
    out: set[tuple[str, str, str]],
    palette: Mapping[str, int],
) -> TradeOff:
    objective = OBJECTIVES[against]
    figure = objective.figure

    def measure(row: ReportRow) -> float:
        return max(bare_value(objective.value(row) or 0, figure.unit), _SMALLEST)

    x_scale, x_values = log_scale([measure(row) for row in rows], WIDTH)
    y_scale, y_values = linear_scale([100 * accuracy_of(row) for row in rows], HEIGHT)
    at = {_key(row): (x_scale.at(measure(row)), HEIGHT - y_scale.at(100 * accuracy_of(row))) for row in rows}
    # A report can be shown with fewer rows than were ranked.
    front = [key for member in members if (key := _key(member)) in at]
    labels = _labels(front, at)
    return TradeOff(
        title=f"Accuracy against {objective.goal.title}",
        x_title=", ".join(part for part in (figure.title, figure.bare_unit) if part),
        x_ticks=make_ticks(x_scale, x_values, plain_number),
        y_ticks=make_ticks(y_scale, y_values, plain_number),
        points=tuple(
            FilePoint(
                *at[_key(row)],
                mark=MARKS[row.export],
                colour=palette[row.method],
                words=_words(row),
                is_out=_key(row) in out,
                label=labels.get(_key(row), ""),
                anchor="end" if at[_key(row)][0] > WIDTH * 0.6 else "start",
            )
            for row in rows
        ),
        front=_steps([at[key] for key in front]),
        knee=None if knee is None else at.get(_key(knee)),
    )


def _steps(corners: Sequence[tuple[float, float]]) -> str:
    """Return the front as a line: flat until the next file, then up to it."""
    points: list[tuple[float, float]] = []
    for x, y in corners:
        if points:
            points.append((x, points[-1][1]))
        points.append((x, y))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _labels(
    front: Sequence[tuple[str, str, str]], at: Mapping[tuple[str, str, str], tuple[float, float]]
) -> dict[tuple[str, str, str], str]:
    """Return the labels of the front's files, without those that would cover another."""
    taken: list[tuple[float, float, float]] = []
    labels: dict[tuple[str, str, str], str] = {}
    for key in front:
        x, y = at[key]
        text = f"{key[0]} {key[1]}"
        width = _LABEL_WIDTH * len(text)
        left = x - width if x > WIDTH * 0.6 else x
        if all(abs(y - y2) > _LABEL_HEIGHT or left + width < l2 or left > r2 for y2, l2, r2 in taken):
            labels[key] = text
            taken.append((y, left, left + width))
    return labels


def _key(of: ReportRow | Choice) -> tuple[str, str, str]:
    return of.pipeline, of.export, of.model_sha256


def _words(row: ReportRow) -> str:
    known = ((each, each.value(row)) for each in TOLD.values())
    facts = [f"{each.goal.title} {each.figure.text(value)}" for each, value in known if value is not None]
    return f"{row.pipeline} {row.export_name}: {', '.join(facts)}"
