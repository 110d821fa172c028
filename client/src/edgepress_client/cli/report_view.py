"""A report in the terminal: a table, with notes to read it by."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgepress_client.cli.formats import size
from edgepress_common.answers.report import Report, ReportRow
from edgepress_common.figures.figure import Figure
from edgepress_common.figures.tables import terminal_columns, terminal_head

_SPACED = 100  # width from which on figures are separated by a space
_WIDE = 120  # width from which on the figures for wide terminals are shown


def report_table(report: Report, width: int, *, is_grouped: bool = True) -> RenderableType:
    """Return the comparison, a row for each model, device and number of threads, with its notes.

    The columns are those of the figures that are declared with one; see `edgepress_common.figures`.

    Args:
        report: Report to show.
        width: Width of the terminal in columns, at least 80.
        is_grouped: Whether rows of a pipeline stand together, and are set apart from others.
    """
    figures = terminal_columns(report.rows, is_wide=width >= _WIDE, has_test=report.has_test_split)
    padding = (0, 1 if width >= _SPACED else 0, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=padding, header_style="bold")
    table.add_column("pipeline", min_width=8, overflow="fold")
    table.add_column("export", no_wrap=not any(row.options for row in report.rows), overflow="fold")
    table.add_column("device", min_width=6, overflow="fold")
    for head in ("thr", *map(terminal_head, figures)):
        table.add_column(head, justify="right", no_wrap=True)
    for row, following in zip_longest(report.rows, report.rows[1:]):
        cells = (
            row.pipeline,
            row.export_name,
            row.device,
            str(row.threads),
            *(each.bare(each.of(row)) for each in figures),
        )
        is_last = is_grouped and following is not None and following.pipeline != row.pipeline
        table.add_row(*cells, end_section=is_last)
    return Group(table, *(Text(note, style="dim") for note in _notes(report, figures)))


def _notes(report: Report, figures: Sequence[Figure]) -> Iterator[str]:
    if not report.complete:
        yield f"So far: {report.evaluations_done} of {report.evaluations_planned} measurements."
    if report.rows:
        yield f"acc, total: over {report.rows[0].images} validation images."
    if report.rows and report.dataset is not None and report.dataset.test_counts is not None:
        note = f"test: accuracy over {sum(report.dataset.test_counts)} test images, which no decision has seen"
        is_measured = all(row.test_accuracy is not None for row in report.rows)
        yield f"{note}{'' if is_measured else '; -: not measured, by an older evaluator'}."
    baseline = report.baselines.float32_tflite
    if baseline is not None:
        yield f"times smaller: than the float32 .tflite of {baseline.pipeline}, {size(baseline.size_bytes)}."
    if report.rows:
        yield from (each.terminal.note for each in figures if each.terminal is not None and each.terminal.note)
    yield from dict.fromkeys(_device_note(row) for row in report.rows)
    yield from (each.words for each in report.repeats)
    yield from report.cautions
    for failure in report.failures:
        yield f"{failure.title} failed ({', '.join(failure.pipelines)}): {failure.message}"


def _device_note(row: ReportRow) -> str:
    found = row.surroundings
    parts = [found.board, found.cpu, f"{found.cores} cores", found.runtime]
    note = f"{row.device}: {', '.join(part for part in parts if part)}"
    if row.emulated:
        note += "; emulated: its latencies are not meaningful"
    if row.throttled:
        note += f"; throttled: {', '.join(row.throttled)}"
    return note
