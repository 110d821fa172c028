"""Reads the figures of a row by their declarations.

A figure that can't be read is missing from its row, with the reason among the report's caveats: the declaration may be
of an extension folder, and its error must not cost the other figures.
"""

import logging
import math
from collections import Counter
from dataclasses import replace
from numbers import Real

from edgepress_common.answers.report.rows import ROW_FIGURES
from edgepress_common.figures.figure import FieldPart, Figure, Sample, Value

_log = logging.getLogger(__name__)


class RowFigures:
    """Figures of the rows of one report, with the reasons for missing ones."""

    def __init__(self) -> None:
        self._missing: Counter[tuple[str, str]] = Counter()

    def read(self, sample: Sample) -> dict[str, Value]:
        """Return the figures of a row by name.

        Args:
            sample: Results that the row is made from.
        """
        # A figure that does not declare to be of the test split can't be computed from it, and so be decided by.
        without_test = replace(sample, evaluation=sample.evaluation.model_copy(update={"test": None}))
        return {
            name: self._read(figure, sample if figure.split == "test" else without_test)
            for name, figure in ROW_FIGURES.items()
            if not isinstance(figure.source, FieldPart)
        }

    def cautions(self) -> tuple[str, ...]:
        """Return a sentence for each reason why figures are missing."""
        return tuple(
            f"The figure {name!r} is missing in {count} row{'' if count == 1 else 's'}: {reason}."
            for (name, reason), count in self._missing.items()
        )

    def _read(self, figure: Figure, sample: Sample) -> Value:
        assert not isinstance(figure.source, FieldPart)
        try:
            return _number(figure, figure.source.value(figure.name, sample))
        except Exception as error:  # noqa: BLE001 - the code of an extension can raise anything
            reason = f"{type(error).__name__}: {error}"
            if (figure.name, reason) not in self._missing:
                _log.warning("The figure %r can't be read", figure.name, exc_info=True)
            self._missing[figure.name, reason] += 1
            return None


def _number(figure: Figure, value: object) -> Value:
    """Return a value as a row has it.

    Raises:
        ValueError: It is not a finite number, or not a whole one although the figure is declared to be whole.
    """
    if value is None:
        return None
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"the value is {value!r}; accepted: a finite number, or None where it is unknown")
    number = float(value)
    if not figure.is_integer:
        return number
    if not number.is_integer():
        raise ValueError(f"the value is {value!r}; accepted: a whole number, as the figure declares is_integer")
    return value if isinstance(value, int) else int(number)
