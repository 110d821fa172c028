"""A report in the terminal: a table, and what must be known to read it."""

from collections.abc import Iterator
from itertools import zip_longest

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
_WIDE_COLUMNS = ("zip\ntimes", "zeros\n%", "values")
_ROOMY = 100  # columns from which on there is room between the figures
_WIDE = 120  # ... and for what was done to the weights


def report_table(report: Report, width: int, *, is_grouped: bool = True) -> RenderableType:
    """The comparison, a row for each model, device and number of threads, with its notes.

    Args:
        report: What to show.
        width: Columns there are; 80 are enough.
        is_grouped: Whether rows of a pipeline stand together, and are set apart from those of others.
    """
    is_wide = width >= _WIDE
    room = (0, 1 if width >= _ROOMY else 0, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=room, header_style="bold")
    table.add_column("pipeline", min_width=8, overflow="fold")
    table.add_column("export", no_wrap=True)
    table.add_column("device", min_width=6, overflow="fold")
    for name in (*_NUMBER_COLUMNS, *(_WIDE_COLUMNS if is_wide else ())):
        table.add_column(name, justify="right", no_wrap=True)
    for row, following in zip_longest(report.rows, report.rows[1:]):
        cells = (*_cells(row), *(_wide_cells(row) if is_wide else ()))
        is_last = is_grouped and following is not None and following.pipeline != row.pipeline
        table.add_row(*cells, end_section=is_last)
    return Group(table, *(Text(note, style="dim") for note in _notes(report, is_wide=is_wide)))


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


def _wide_cells(row: ReportRow) -> Iterator[str]:
    yield "-" if row.ratios.float32_tflite is None else figure(row.ratios.float32_tflite.size_to_zip)
    yield f"{100 * row.sparsity:.1f}"
    yield str(row.unique_weights_max)


def _notes(report: Report, *, is_wide: bool) -> Iterator[str]:
    if not report.complete:
        yield f"So far: {report.evaluations_done} of {report.evaluations_planned} measurements."
    if report.rows:
        yield f"acc, total: over {report.rows[0].images} validation images. p50, p90: time of one image."
    baseline = report.baselines.float32_tflite
    if baseline is not None:
        yield f"times smaller: than the float32 .tflite of {baseline.pipeline}, {size(baseline.size_bytes)}."
    if is_wide and report.rows:
        yield "zip times: how many times the zipped file is smaller than that one as it is, not zipped."
        yield "zeros: of the weights of convolutions and dense layers. values: most different weights in one tensor."
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
