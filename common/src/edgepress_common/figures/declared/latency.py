"""The latency of single images: mean, spread and percentiles over the timed inferences."""

from edgepress_common.figures.figure import FieldPart, Figure, Goal, PageColumn, TerminalColumn

_GROUP = "Latency of one image, ms"


def _latency(
    part: str,
    title: str,
    csv_position: int,
    *,
    terminal: TerminalColumn | None = None,
    page: PageColumn | None = None,
    goal: Goal | None = None,
) -> Figure:
    return Figure(
        name=f"latency_ms.{part}",
        title=title,
        head=part,
        unit="ms",
        description=f"{title[0].upper()}{title[1:]}, over the timed inferences of single images.",
        source=FieldPart("evaluation, by number of threads"),
        direction="lower",
        is_always_known=True,
        is_timing=True,
        csv_position=csv_position,
        terminal=terminal,
        page=page,
        goal=goal,
    )


def _column(position: int, interval: tuple[str, str] | None = None) -> PageColumn:
    return PageColumn(group=_GROUP, position=position, is_bare=True, interval=interval)


def _end(name: str, title: str, csv_position: int) -> Figure:
    return Figure(
        name=f"latency_ms.{name}",
        title=title,
        head=title,
        unit="ms",
        description=f"{title[0].upper()}{title[1:]}, from blocks of successive inferences; unknown in older results.",
        source=FieldPart("evaluation, by number of threads"),
        direction="lower",
        is_timing=True,
        csv_position=csv_position,
    )


MEAN = _latency("mean", "mean latency", 9)
STD = _latency("std", "standard deviation of the latency", 10)
MIN = _latency("min", "lowest latency", 11)
P50 = _latency(
    "p50",
    "median latency",
    12,
    terminal=TerminalColumn(position=11, is_wide=False, note="p50, p90: latency of one image."),
    page=_column(20, ("latency_ms.p50_low", "latency_ms.p50_high")),
    goal=Goal(
        criterion="latency",
        field="latency_ms",
        title="latency",
        weight=2,
        better="faster",
        worse="slower",
        purpose="fastest_to_run",
        purpose_title="Fastest",
    ),
)
P90 = _latency(
    "p90", "90th percentile of the latency", 13, terminal=TerminalColumn(position=12, is_wide=False), page=_column(21)
)
P99 = _latency("p99", "99th percentile of the latency", 14, page=_column(22))
MAX = _latency("max", "highest latency", 61)
P50_LOW = _end("p50_low", "lower end of the median latency's 95 % interval", 70)
P50_HIGH = _end("p50_high", "upper end of the median latency's 95 % interval", 71)
