"""A report in the terminal: a table, and what must be known to read it."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgepress_api.cli.formats import figure, size
from edgepress_api.report import Report, ReportRow

_MEGABYTE = 1_000_000

_NUMBER_COLUMNS = (
    "thr", "acc\n%", "p50\nms", "p90\nms", "total\ns", "size\nMB", "zip\nMB", "times\nsmaller", "float\nops",
)  # fmt: skip
_ROOMY = 100  # columns from which on there is room between the figures


def report_table(report: Report, width: int) -> RenderableType:
    """The comparison, a row for each model, device and number of threads, with its notes.

    Args:
        report: What to show.
        width: Columns there are; 80 are enough.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1 if width >= _ROOMY else 0), header_style="bold")
    table.add_column("pipeline", min_width=8, overflow="fold")
    table.add_column("export", no_wrap=True)
    table.add_column("device", min_width=6, overflow="fold")
    for name in _NUMBER_COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in report.rows:
        table.add_row(*_cells(row))
    return Group(table, *(Text(note, style="dim") for note in _notes(report)))


def _cells(row: ReportRow) -> Iterator[str]:
    yield from (row.pipeline, row.export, row.device, str(row.threads))
    yield f"{100 * row.accuracy:.2f}"
    yield figure(row.latency_ms.p50)
    yield figure(row.latency_ms.p90)
    yield "-" if row.total_seconds is None else figure(row.total_seconds)
    yield figure(row.size_bytes / _MEGABYTE)
    yield figure(row.zip_bytes / _MEGABYTE)
    yield "-" if row.ratios.float32_tflite is None else f"{row.ratios.float32_tflite.size:.2f}"
    yield str(row.float_ops)


def _notes(report: Report) -> Iterator[str]:
    if not report.complete:
        yield f"So far: {report.evaluations_done} of {report.evaluations_planned} measurements."
    if report.rows:
        yield f"acc, total: over {report.rows[0].images} validation images. p50, p90: time of one image."
    baseline = report.baselines.float32_tflite
    if baseline is not None:
        yield f"times smaller: than the float32 .tflite of {baseline.pipeline}, {size(baseline.size_bytes)}."
    yield from dict.fromkeys(_device_note(row) for row in report.rows)
    for failure in report.failures:
        yield f"{failure.title} failed ({', '.join(failure.pipelines)}): {failure.message}"


def _device_note(row: ReportRow) -> str:
    found = row.surroundings
    parts = [found.board, found.cpu, f"{found.cores} cores", found.runtime]
    note = f"{row.device}: {', '.join(part for part in parts if part)}"
    if row.emulated:
        note += "; emulated: its times mean nothing"
    if row.throttled:
        note += f"; held back by {', '.join(row.throttled)}"
    return note
