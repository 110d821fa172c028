"""Accuracy against size, zipped size or time: every file a point, the Pareto front as a line, its knee ringed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgepress_api.recommendation.document import Choice, DeviceRecommendation
from edgepress_api.recommendation.wording import CRITERION_WORDS
from edgepress_api.report.charts.files import MARKS, DeviceFiles, colours
from edgepress_api.report.charts.scales import Tick, linear_scale, log_scale, make_ticks, plain_number
from edgepress_api.report.document import ReportRow
from edgepress_api.report.words import milliseconds, percent, size
from edgepress_common.spec import Criterion

WIDTH, HEIGHT = 420.0, 260.0
_MEGABYTE = 1e6
_LABEL_WIDTH = 6.0  # of a character, roughly
_LABEL_HEIGHT = 11.0


@dataclass(frozen=True)
class Point:
    """A file.

    Attributes:
        x: From the left.
        y: From the top.
        mark: Path around it, by export.
        colour: By method.
        words: What it is, and its figures.
        is_out: Whether it misses a limit.
        label: What is written beside it; empty for those off the front, and where there is no room.
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
    """A drawing.

    Attributes:
        title: What it shows.
        x_title: What the axis below is.
        x_ticks: On it.
        y_ticks: On the axis to the left.
        points: The files.
        front: Corners of the front's line, as SVG's ``polyline`` has them.
        knee: Where the knee is; None where there is none.
    """

    title: str
    x_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[Point, ...]
    front: str
    knee: tuple[float, float] | None


_Measure = Callable[[ReportRow], float]

_MEASURES: Mapping[Criterion, tuple[str, _Measure]] = {
    "latency": ("median time of one image, ms", lambda row: row.latency_ms.p50),
    "size": ("size of the .tflite file, MB", lambda row: row.size_bytes / _MEGABYTE),
    "zip": ("size of the zipped .tflite file, MB", lambda row: row.zip_bytes / _MEGABYTE),
}


def trade_offs(
    files: DeviceFiles, recommended: DeviceRecommendation, palette: Sequence[ReportRow]
) -> tuple[TradeOff, ...]:
    """The drawings of a device; none where nothing keeps the limits.

    Args:
        files: The device's.
        recommended: Likewise; has the fronts.
        palette: All rows of the report, which colours go by.
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
    x_title, measure = _MEASURES[against]
    x_scale, x_values = log_scale([max(measure(row), 1e-9) for row in rows], WIDTH)
    y_scale, y_values = linear_scale([100 * row.accuracy for row in rows], HEIGHT)
    at = {_key(row): (x_scale.at(measure(row)), HEIGHT - y_scale.at(100 * row.accuracy)) for row in rows}
    # A report can be shown with fewer rows than were weighed.
    front = [key for member in members if (key := _key(member)) in at]
    labels = _labels(front, at)
    return TradeOff(
        title=f"Accuracy against {CRITERION_WORDS[against]}",
        x_title=x_title,
        x_ticks=make_ticks(x_scale, x_values, plain_number),
        y_ticks=make_ticks(y_scale, y_values, plain_number),
        points=tuple(
            Point(
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
    """What is nowhere beaten: flat until the next file, then up to it."""
    points: list[tuple[float, float]] = []
    for x, y in corners:
        if points:
            points.append((x, points[-1][1]))
        points.append((x, y))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _labels(
    front: Sequence[tuple[str, str, str]], at: Mapping[tuple[str, str, str], tuple[float, float]]
) -> dict[tuple[str, str, str], str]:
    """Names of the front's files, those left out that would cover another."""
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
    time = "" if row.emulated else f"{milliseconds(row.latency_ms.p50)} ms, "
    return (
        f"{row.pipeline} {row.export}: {percent(row.accuracy)}, {time}{size(row.size_bytes)}, "
        f"{size(row.zip_bytes)} zipped"
    )
