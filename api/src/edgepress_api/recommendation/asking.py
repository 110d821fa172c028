"""Goals asked for afterwards, over a job that is done: what is said replaces what the job's spec has, field by field.

Flat, as a query or a command line has its parameters.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.frozen import Frozen
from edgepress_common.spec import CRITERIA, Goals, Preference, RankingMethod

_LIMITS = ("max_accuracy_drop", "max_latency_ms", "max_size_bytes", "max_zip_bytes")
_PAIR = f"(?:{'|'.join(CRITERIA)})"
_PREFERENCE_FORM = rf"^{_PAIR}:{_PAIR}:[1-9](?:\.[0-9]{{1,6}})?$"

PreferenceText = Annotated[str, StringConstraints(pattern=_PREFERENCE_FORM)]


class AskedGoals(Frozen):
    """What to look for; see `edgepress_common.spec.Goals`. What is not said is as the spec has it."""

    max_accuracy_drop: float | None = Field(
        default=None, ge=0, le=1, description="Accuracy that may be lost, as a share: 0.01 is one point."
    )
    max_latency_ms: float | None = Field(default=None, gt=0, le=1e9, description="Median time of one image.")
    max_size_bytes: int | None = Field(default=None, gt=0, le=2**53, description="Of the .tflite file.")
    max_zip_bytes: int | None = Field(default=None, gt=0, le=2**53, description="Of the .tflite file, zipped.")
    weight_accuracy: float | None = Field(default=None, ge=0, le=1000, description="In relation to the others.")
    weight_latency: float | None = Field(default=None, ge=0, le=1000, description="In relation to the others.")
    weight_size: float | None = Field(default=None, ge=0, le=1000, description="In relation to the others.")
    weight_zip: float | None = Field(default=None, ge=0, le=1000, description="In relation to the others.")
    prefer: tuple[PreferenceText, ...] = Field(
        default=(),
        max_length=6,
        description="Criteria compared two at a time, as in accuracy:latency:3 (accuracy is three times as important "
        "as latency; 1 to 9); the weights then follow from these.",
    )
    method: RankingMethod | None = Field(default=None, description="Which ranking the first place is taken from.")
    spec_goals: bool = Field(default=True, description="Begin with the spec's goals; false: with no limits at all.")

    def over(self, goals: Goals) -> Goals:
        """The goals in force.

        Weights that are asked for put the spec's preferences out of force, for those would speak louder.

        Raises:
            InvalidSpecError: They do not go together.
        """
        start = goals if self.spec_goals else Goals()
        weights = {name: getattr(self, f"weight_{name}") for name in CRITERIA}
        asked_weights = {name: weight for name, weight in weights.items() if weight is not None}
        changes: dict[str, Any] = {name: value for name in _LIMITS if (value := getattr(self, name)) is not None}
        if asked_weights:
            changes |= {"weights": start.weights.model_dump() | asked_weights, "preferences": ()}
        if self.method is not None:
            changes["method"] = self.method
        try:
            if self.prefer:
                changes["preferences"] = tuple(_preference(text) for text in self.prefer)
            return Goals.model_validate(start.model_dump() | changes)
        except ValidationError as error:
            raise InvalidSpecError(tuple(_problems(error, self))) from error


def _preference(text: str) -> Preference:
    more, than, times = text.split(":")
    return Preference.model_validate({"more": more, "than": than, "times": float(times)})


def _problems(error: ValidationError, asked: AskedGoals) -> Iterator[FieldProblem]:
    """All that can be wrong here is how fields go together; our validators write ``what; accepted: what is``."""
    about_weights = not asked.prefer
    for each in error.errors():
        message, _, accepted = each["msg"].removeprefix("Value error, ").partition("; accepted: ")
        if about_weights:
            yield FieldProblem(field="weight_accuracy", message=message, accepted=accepted or None)
        else:
            yield FieldProblem(field="prefer", value=list(asked.prefer), message=message, accepted=accepted or None)
