"""Jobs side by side in the terminal."""

import json
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edgepress_api.cli.formats import figure, moment
from edgepress_api.comparison.document import Change, ComparedRow, JobsComparison, Measured

_MEGABYTE = 1_000_000
_ROOMY = 100  # columns from which on there is room between the figures
_LONGEST_VALUE = 40  # characters of a spec's field that tell it from another


def comparison_parts(comparison: JobsComparison, width: int) -> Iterator[RenderableType]:
    """The jobs, what they were asked differently, and a line for each job in each row.

    Args:
        comparison: What to show.
        width: Columns there are; 80 are enough.
    """
    for letter, job in zip(_letters(comparison), comparison.jobs, strict=True):
        yield Text(f"{letter}  {job.id}  {job.name}  {moment(job.created_at)}")
    if comparison.spec_differences:
        yield _spec_table(comparison)
    if comparison.rows:
        yield _table(comparison, width)
    yield from (Text(note, style="dim") for note in _notes(comparison))
    for letter, words in zip(_letters(comparison), comparison.best_all_round, strict=True):
        for sentence in words:
            yield Text(f"Best all round in {letter}, {sentence}")


def _letters(comparison: JobsComparison) -> list[str]:
    return [chr(ord("A") + at) for at in range(len(comparison.jobs))]


def _spec_table(comparison: JobsComparison) -> RenderableType:
    table = Table("asked differently", *_letters(comparison), box=box.SIMPLE_HEAD, pad_edge=False)
    for difference in comparison.spec_differences:
        table.add_row(difference.field, *map(_value, difference.values))
    return table


def _value(value: object) -> str:
    text = "-" if value is None else json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _table(comparison: JobsComparison, width: int) -> RenderableType:
    room = (0, 1 if width >= _ROOMY else 0, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=room, header_style="bold")
    places = len({(row.device, row.threads) for row in comparison.rows})
    table.add_column("pipeline", min_width=8, overflow="fold")
    table.add_column("export", no_wrap=True)
    if places > 1:
        table.add_column("device", min_width=6, overflow="fold")
        table.add_column("thr", justify="right", no_wrap=True)
    for name in ("job", "acc\n%", "points", "p50\nms", "times", "size\nMB", "times", "zip\nMB", "times"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in comparison.rows:
        place = (row.device, str(row.threads)) if places > 1 else ()
        _add_row(table, row, (row.pipeline, row.export, *place), _letters(comparison))
    return table


def _add_row(table: Table, row: ComparedRow, names: Sequence[str], letters: Sequence[str]) -> None:
    for letter, measured in zip(letters, row.jobs, strict=True):
        is_first, is_last = letter == letters[0], letter == letters[-1]
        shown = names if is_first else [""] * len(names)
        table.add_row(*shown, letter, *_cells(measured), end_section=is_last)


def _cells(measured: Measured | None) -> Iterator[str]:
    if measured is None:
        yield from ("-",) * 8
        return
    change = measured.change
    yield f"{100 * measured.accuracy:.2f}"
    yield "" if change is None else _points(change)
    yield "-" if measured.latency_ms is None else figure(measured.latency_ms)
    yield "" if change is None else _ratio(change.latency_ratio)
    yield figure(measured.size_bytes / _MEGABYTE)
    yield "" if change is None else _ratio(change.size_ratio)
    yield figure(measured.zip_bytes / _MEGABYTE)
    yield "" if change is None else _ratio(change.zip_ratio)


def _points(change: Change) -> str:
    if change.same_file:
        return "same"
    return f"{100 * change.accuracy_points:+.2f}{'~' if change.within_noise else ''}"


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _notes(comparison: JobsComparison) -> Iterator[str]:
    places = {(row.device, row.threads) for row in comparison.rows}
    if len(places) == 1:
        device, threads = next(iter(places))
        yield f"On {device}, threads: {threads}."
    yield "points, times: against the first job that has the row. ~: may be chance alone. same: the very same file."
    if not comparison.same_images:
        yield "The jobs do not validate on the same images: accuracies are not of the same thing."
