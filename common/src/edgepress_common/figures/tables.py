"""Which figures the tables of a report have, and in which order."""

from collections.abc import Sequence
from typing import Any

from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import Figure


def page_columns(rows: Sequence[Any] | None = None, *, has_test: bool = False) -> list[Figure]:
    """Return the figures of the comparison in the HTML report; those of a group are consecutive.

    Args:
        rows: Rows of the report, to leave out optional columns that none of them has; None for all columns.
        has_test: Whether the data set has a test split; without one, the columns of its figures are left out.
    """
    shown = [
        (each.page, each)
        for each in _figures(has_test=has_test)
        if each.page is not None and not (each.page.is_optional and _is_missing(each, rows))
    ]
    first: dict[str, tuple[int, int]] = {}
    for at, (page, _) in enumerate(sorted(shown, key=lambda column: column[0].position)):
        first.setdefault(page.group, (page.position, at))
    return [each for _, each in sorted(shown, key=lambda column: (first[column[0].group], column[0].position))]


def terminal_columns(rows: Sequence[Any] | None = None, *, is_wide: bool, has_test: bool = False) -> list[Figure]:
    """Return the figures of the comparison in the terminal.

    Args:
        rows: Rows of the report, to leave out optional columns that none of them has; None for all columns.
        is_wide: Whether to include the columns that need a wide terminal.
        has_test: Whether the data set has a test split; without one, the columns of its figures are left out.
    """
    shown = [
        (each.terminal, each)
        for each in _figures(has_test=has_test)
        if each.terminal is not None and not (each.terminal.is_optional and _is_missing(each, rows))
    ]
    ordered = sorted(shown, key=lambda column: (column[0].is_wide, column[0].position))
    return [each for column, each in ordered if is_wide or not column.is_wide]


def _is_missing(figure: Figure, rows: Sequence[Any] | None) -> bool:
    return rows is not None and all(figure.of(row) is None for row in rows)


def _figures(*, has_test: bool) -> list[Figure]:
    return [each for each in FIGURES.values() if has_test or each.split != "test"]


def terminal_head(figure: Figure) -> str:
    """Return the head of a figure's column in the terminal: one or two lines, the unit in the second."""
    declared = figure.terminal.head if figure.terminal is not None else ""
    return declared or "\n".join(part for part in (figure.head, figure.bare_unit) if part)
