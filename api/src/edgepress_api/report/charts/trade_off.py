"""Accuracy against each other criterion: every file a point, the Pareto front as a line, its knee ringed."""

from collections.abc import Sequence

from edgepress_api.recommendation.candidates import accuracy_of
from edgepress_api.report.charts.files import MARKS, DeviceFiles, method_colours
from edgepress_common.answers.charts import Chart, ChartAxis, ChartPoint, ChartSeries
from edgepress_common.answers.recommendation import Choice, DeviceRecommendation, Front
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.formats import bare_value
from edgepress_common.figures.objectives import OBJECTIVES, TOLD

_SMALLEST = 1e-9  # lower bound of values on a logarithmic scale

_Key = tuple[str, str, str]


def trade_offs(
    files: DeviceFiles, recommended: DeviceRecommendation, palette: Sequence[ReportRow]
) -> tuple[Chart, ...]:
    """Return the charts of a device; none if no file is within the limits.

    Args:
        files: Files of the device.
        recommended: Recommendation for the device, with its fronts.
        palette: All rows of the report, which determine the colours.
    """
    out = {_key(candidate) for candidate in recommended.candidates if candidate.misses}
    colours = method_colours(palette)
    return tuple(_trade_off(files, front, out, colours) for front in recommended.fronts)


def _trade_off(files: DeviceFiles, front: Front, out: set[_Key], colours: dict[str, str]) -> Chart:
    objective = OBJECTIVES[front.against]
    figure, title = objective.figure, f"Accuracy against {objective.goal.title}"
    members = {_key(member) for member in front.members}
    knee = None if front.knee is None else _key(front.knee)
    points = {}
    for row in files.rows:
        key = _key(row)
        points[key] = ChartPoint(
            x=max(bare_value(objective.value(row) or 0, figure.unit), _SMALLEST),
            y=100 * accuracy_of(row),
            words=_words(row),
            label=f"{row.pipeline} {row.export}" if key in members else "",
            mark=MARKS[row.export],
            is_faint=key in out,
            is_ringed=key == knee,
        )
    # A report can be shown with fewer rows than were ranked.
    line = [points[key] for member in front.members if (key := _key(member)) in points]
    methods = dict.fromkeys(row.method for row in files.rows)
    return Chart(
        topic="trade_off",
        title=title,
        summary=f"{title} of {len(points)} files on {files.device}; {len(line)} are on the Pareto front",
        device=files.device,
        x=ChartAxis(title=", ".join(part for part in (figure.title, figure.bare_unit) if part), is_log=True),
        y=ChartAxis(title="accuracy, %"),
        series=(
            ChartSeries(
                name="Pareto front",
                kind="steps",
                colour="front",
                points=tuple(ChartPoint(x=each.x, y=each.y) for each in line),
            ),
            *(
                ChartSeries(
                    name=method,
                    kind="points",
                    colour=colours[method],
                    points=tuple(points[_key(row)] for row in files.rows if row.method == method),
                )
                for method in methods
            ),
        ),
    )


def _key(of: ReportRow | Choice) -> _Key:
    return of.pipeline, of.export, of.model_sha256


def _words(row: ReportRow) -> str:
    known = ((each, each.value(row)) for each in TOLD.values())
    facts = [f"{each.goal.title} {each.figure.text(value)}" for each, value in known if value is not None]
    return f"{row.pipeline} {row.export_name}: {', '.join(facts)}"
