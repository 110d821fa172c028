"""The distribution of latencies, row by row.

A line goes from the lowest to the highest, a bar from the median to the 90th percentile; a tick is at the 99th. The
scale is logarithmic, because exports differ by factors.
"""

from collections.abc import Sequence

from edgepress_api.report.charts.files import method_colours
from edgepress_api.report.words import milliseconds
from edgepress_common.answers.charts import Chart, ChartAxis, ChartPoint, ChartSeries, Spread
from edgepress_common.answers.report import ReportRow

_SMALLEST_MS = 1e-4  # below the resolution of clocks


def latency_spreads(rows: Sequence[ReportRow]) -> tuple[Chart, ...]:
    """Return a chart for each device that is not emulated."""
    timed = [row for row in rows if not row.emulated]
    colours = method_colours(rows)
    return tuple(
        _spreads(device, [row for row in timed if row.device == device], colours)
        for device in dict.fromkeys(row.device for row in timed)
    )


def _spreads(device: str, rows: Sequence[ReportRow], colours: dict[str, str]) -> Chart:
    several = len({row.threads for row in rows}) > 1
    names = [f"{row.pipeline} {row.export_name}" + (f", {row.threads} threads" if several else "") for row in rows]
    points = [(row.method, _point(at, names[at], row)) for at, row in enumerate(rows)]
    return Chart(
        topic="latency",
        title=f"Latency of one image on {device}",
        summary=f"Shortest, median, 90th and 99th percentile and longest latency of {len(rows)} measurements",
        device=device,
        x=ChartAxis(title="ms", is_log=True),
        y=ChartAxis(title="", rows=tuple(names)),
        series=tuple(
            ChartSeries(
                name=method,
                kind="spreads",
                colour=colours[method],
                points=tuple(point for own, point in points if own == method),
            )
            for method in dict.fromkeys(row.method for row in rows)
        ),
    )


def _point(at: int, name: str, row: ReportRow) -> ChartPoint:
    found = row.latency_ms
    least, p50, p90, p99, most = (
        max(_SMALLEST_MS, value) for value in (found.min, found.p50, found.p90, found.p99, found.max)
    )
    words = (
        f"{name}: {milliseconds(found.min)} to {milliseconds(found.max)}, median {milliseconds(found.p50)}, "
        f"90 % below {milliseconds(found.p90)}, 99 % below {milliseconds(found.p99)}; {found.runs} inferences"
    )
    return ChartPoint(x=p50, y=at, words=words, spread=Spread(low=least, box=(p50, p90), tick=p99, high=most))
