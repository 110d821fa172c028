"""The figures that recommendations can be made by, which are declared with a `Goal`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import Figure, Goal, Value

LimitKind = Literal["most", "least", "drop"]


@dataclass(frozen=True)
class Objective:
    """A figure with its settings as a criterion."""

    figure: Figure
    goal: Goal

    @property
    def limit_kind(self) -> LimitKind:
        """Whether its limit is the largest value, the smallest, or the largest loss against the reference file."""
        if self.goal.drop_limit is not None:
            return "drop"
        return "least" if self.figure.direction == "higher" else "most"

    @property
    def limit(self) -> str:
        """Name of its limit in a job's goals."""
        return self.goal.drop_limit or f"{'min' if self.limit_kind == 'least' else 'max'}_{self.goal.field}"

    @property
    def limit_description(self) -> str:
        """The limit in a sentence."""
        match self.limit_kind:
            case "drop":
                return (
                    f"Largest {self.goal.title} drop, as a share (0.01 is one point), against the float32 .tflite file "
                    "of the network trained and not compressed; without one, against the most accurate file."
                )
            case "most":
                return f"Largest {self._value_words}."
            case "least":
                return f"Smallest {self._value_words}."

    @property
    def _value_words(self) -> str:
        return self.goal.title if "count" in self.figure.unit else f"{self.figure.title}, in {self.figure.unit}"

    @property
    def type(self) -> type[int] | type[float]:
        """Type of a value and of its limit."""
        return int if self.figure.is_integer else float

    @property
    def is_always_known(self) -> bool:
        """Whether it can be compared in each row."""
        return self.figure.is_always_known and not self.figure.is_timing

    def value(self, row: Any) -> Value:
        """Return the value of a report's row; None if it is unknown, or the time of an emulated device."""
        return self.figure.comparable(row)


_CRITERIA = ((figure, figure.goal) for figure in FIGURES.values() if figure.goal is not None)
OBJECTIVES = {
    goal.criterion: Objective(figure, goal) for figure, goal in sorted(_CRITERIA, key=lambda each: not each[1].weight)
}
"""The figures that are criteria, by criterion; those that count by default first."""

TOLD = {criterion: each for criterion, each in OBJECTIVES.items() if each.goal.is_told}
"""The criteria that sentences and tables about files include."""


def told_against_accuracy(candidates: Sequence[Any]) -> list[Objective]:
    """Return the criteria that a table of candidates shows next to accuracy.

    Args:
        candidates: Files with a field for each criterion; a criterion that is unknown for all of them is left out.
    """
    return [
        each
        for criterion, each in TOLD.items()
        if criterion != "accuracy" and any(getattr(file, each.goal.field) is not None for file in candidates)
    ]


def objective_fields(*, besides: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the fields of a model that has the value of each criterion, as ``pydantic.create_model`` takes them.

    Args:
        besides: Criteria to leave out.
    """
    return {
        each.goal.field: each.type if each.is_always_known else (each.type | None, None)
        for criterion, each in OBJECTIVES.items()
        if criterion not in besides
    }
