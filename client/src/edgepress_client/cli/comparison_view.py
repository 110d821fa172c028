"""A comparison of jobs in the terminal."""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edgepress_client.cli.formats import moment
from edgepress_common.answers.comparison import Change, ComparedFile, ComparedRow, JobsComparison
from edgepress_common.figures.objectives import Objective, told_against_accuracy
from edgepress_common.figures.tables import terminal_head

_SPACED = 100  # width from which on figures are separated by a space


def comparison_parts(comparison: JobsComparison, width: int) -> Iterator[RenderableType]:
    """Yield the jobs, the differences of their specs, and a line for each job in each row.

    Args:
        comparison: Comparison to show.
        width: Width of the terminal in columns, at least 80.
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
            yield Text(f"Best all-round in {letter}, {sentence}")


def _letters(comparison: JobsComparison) -> list[str]:
    return [chr(ord("A") + at) for at in range(len(comparison.jobs))]


def _spec_table(comparison: JobsComparison) -> RenderableType:
    table = Table("field of the spec", *_letters(comparison), box=box.SIMPLE_HEAD, pad_edge=False)
    for difference in comparison.spec_differences:
        for field, values in _leaves(difference.field, difference.values):
            table.add_row(field, *map(_value, values))
    return table


def _leaves(field: str, values: Sequence[JsonValue]) -> Iterator[tuple[str, Sequence[JsonValue]]]:
    """Yield the differences between nested values, at the deepest common level; entries of lists by name."""
    if all(value == values[0] for value in values):
        return
    if not all(isinstance(value, dict | list) for value in values):
        yield field, values
        return
    parts = [_parts(value) for value in values]
    for name in dict.fromkeys(name for each in parts for name in each):
        yield from _leaves(f"{field}.{name}", [each.get(name) for each in parts])


def _parts(value: JsonValue) -> dict[str, JsonValue]:
    if isinstance(value, dict):
        return value
    assert isinstance(value, list), "the only other value with parts"
    names = [each.get("name") if isinstance(each, dict) else None for each in value]
    return {f"{name or number}": each for number, (name, each) in enumerate(zip(names, value, strict=True), 1)}


def _value(value: JsonValue) -> str:
    """Return a value in words; an object that has a kind by its kind."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case {"kind": str(kind)}:
            return kind
        case dict():
            return "; ".join(f"{name}: {_value(each)}" for name, each in value.items() if name != "name")
        case list():
            return ", ".join(map(_value, value)) or "none"
        case _:
            return str(value)


def _table(comparison: JobsComparison, width: int) -> RenderableType:
    padding = (0, 1 if width >= _SPACED else 0, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=padding, header_style="bold")
    places = len({(row.device, row.threads) for row in comparison.rows})
    table.add_column("pipeline", min_width=8, overflow="fold")
    table.add_column("export", no_wrap=True)
    if places > 1:
        table.add_column("device", min_width=6, overflow="fold")
        table.add_column("thr", justify="right", no_wrap=True)
    others = told_against_accuracy([each for row in comparison.rows for each in row.jobs if each is not None])
    heads = (head for each in others for head in (terminal_head(each.figure), "times"))
    test = ("test\n%", "points") if _has_test(comparison) else ()
    for name in ("job", "acc\n%", "points", *test, *heads):
        table.add_column(name, justify="right", no_wrap=True)
    for row in comparison.rows:
        place = (row.device, str(row.threads)) if places > 1 else ()
        _add_rows(table, row, (row.pipeline, row.export, *place), comparison, others)
    return table


def _has_test(comparison: JobsComparison) -> bool:
    return any(each is not None and each.test_accuracy is not None for row in comparison.rows for each in row.jobs)


def _add_rows(
    table: Table, row: ComparedRow, names: Sequence[str], comparison: JobsComparison, others: Sequence[Objective]
) -> None:
    letters, has_test = _letters(comparison), _has_test(comparison)
    for letter, measured in zip(letters, row.jobs, strict=True):
        is_first, is_last = letter == letters[0], letter == letters[-1]
        shown = names if is_first else [""] * len(names)
        table.add_row(*shown, letter, *_cells(measured, others, has_test=has_test), end_section=is_last)


def _cells(measured: ComparedFile | None, others: Sequence[Objective], *, has_test: bool) -> Iterator[str]:
    if measured is None:
        yield from ("-",) * (2 + 2 * has_test + 2 * len(others))
        return
    change = measured.change
    over = measured.over_seeds
    yield f"{100 * measured.accuracy:.2f}" if over is None else _spread(over.accuracy_mean, over.accuracy_std)
    yield "" if change is None else _points(change)
    if has_test:
        yield _test_accuracy(measured)
        yield "" if change is None else _test_points(change)
    for each in others:
        criterion = each.goal.criterion
        yield each.figure.bare(getattr(measured, each.goal.field))
        tie = "~" if change is not None and criterion == "latency" and change.latency_within_noise else ""
        yield "" if change is None else _ratio(getattr(change, f"{criterion}_ratio")) + tie


def _test_accuracy(measured: ComparedFile) -> str:
    over = measured.over_seeds
    if over is not None and over.test_accuracy_mean is not None and over.test_accuracy_std is not None:
        return _spread(over.test_accuracy_mean, over.test_accuracy_std)
    return "-" if measured.test_accuracy is None else f"{100 * measured.test_accuracy:.2f}"


def _spread(mean: float, std: float) -> str:
    return f"{100 * mean:.2f}\n\N{PLUS-MINUS SIGN}{100 * std:.2f}"


def _points(change: Change) -> str:
    if change.same_file and change.about == "files":
        return "same"
    return f"{100 * change.accuracy_points:+.2f}{'~' if change.within_noise else ''}"


def _test_points(change: Change) -> str:
    return (
        "-" if change.test_points is None else f"{100 * change.test_points:+.2f}{'~' * bool(change.test_within_noise)}"
    )


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _notes(comparison: JobsComparison) -> Iterator[str]:
    places = {(row.device, row.threads) for row in comparison.rows}
    if len(places) == 1:
        device, threads = next(iter(places))
        yield f"On {device}, threads: {threads}."
    yield "points, times: relative to the first job with the row. ~: not statistically significant. same: same file."
    yield "acc: on the validation images." + (" test: on the test images." if _has_test(comparison) else "")
    if any(each is not None and each.over_seeds is not None for row in comparison.rows for each in row.jobs):
        yield (
            "\N{PLUS-MINUS SIGN}: mean and standard deviation over the job's seeds; the other figures are those of the "
            "file with the median accuracy. Where both jobs have several seeds in common, points are between the "
            "methods (paired t-test over seeds), else between the two files."
        )
    yield from (f"{job.id}: {job.imported.words}" for job in comparison.jobs if job.imported is not None)
    if not comparison.same_images:
        yield "The jobs do not validate on the same images: their accuracies are not comparable."
