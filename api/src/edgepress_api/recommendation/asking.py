"""Goals of a request: they override the goals of the job's spec, field by field.

The fields are flat, as the parameters of a query or a command are.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints, ValidationError, create_model

from edgepress_common.errors import FieldProblem, InvalidQueryError
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.frozen import Frozen
from edgepress_common.spec import CRITERIA, Goals, Preference, RankingMethod
from edgepress_common.spec.goals import limit_fields
from edgepress_common.validation_words import in_words

_PAIR = f"(?:{'|'.join(CRITERIA)})"
_PREFERENCE_FORM = rf"^{_PAIR}:{_PAIR}:[1-9](?:\.[0-9]{{1,6}})?$"

PreferenceText = Annotated[str, StringConstraints(pattern=_PREFERENCE_FORM)]

if TYPE_CHECKING:
    _EachGoal = Frozen
else:
    _EachGoal = create_model(
        "_EachGoal",
        __base__=Frozen,
        **limit_fields(),
        **{
            f"weight_{name}": (
                float | None,
                Field(
                    default=None, ge=0, le=1000, description=f"Weight of the {each.goal.title}, relative to the others."
                ),
            )
            for name, each in OBJECTIVES.items()
        },
    )


class AskedGoals(_EachGoal):
    """The goals of a request; see `edgepress_common.spec.Goals`. A field that is not given is as in the job's spec."""

    prefer: tuple[PreferenceText, ...] = Field(
        default=(),
        max_length=len(CRITERIA) * (len(CRITERIA) - 1) // 2,
        description="Criteria compared two at a time, as in accuracy:latency:3 (accuracy is three times as important "
        "as latency; 1 to 9); the weights then follow from these.",
    )
    method: RankingMethod | None = Field(default=None, description="Ranking method that determines the first place.")
    spec_goals: bool = Field(
        default=True, description="Whether to start from the goals of the spec; false: without any limits."
    )

    def over(self, goals: Goals) -> Goals:
        """Return the effective goals.

        Weights in the request override the preferences of the spec, which would otherwise determine the weights.

        Raises:
            InvalidQueryError: The goals contradict each other.
        """
        start = goals if self.spec_goals else Goals()
        asked_weights = _given(self, {name: f"weight_{name}" for name in CRITERIA})
        changes = _given(self, {each.limit: each.limit for each in OBJECTIVES.values()})
        if asked_weights:
            changes |= {"weights": start.weights.model_dump() | asked_weights, "preferences": ()}
        if self.method is not None:
            changes["method"] = self.method
        try:
            if self.prefer:
                changes["preferences"] = tuple(_preference(text) for text in self.prefer)
            return Goals.model_validate(start.model_dump() | changes)
        except ValidationError as error:
            raise InvalidQueryError(tuple(_problems(error, self))) from error


def _given(asked: AskedGoals, fields: dict[str, str]) -> dict[str, Any]:
    """Return the values of the fields that the request has, under other names."""
    return {name: value for name, field in fields.items() if (value := getattr(asked, field)) is not None}


def _preference(text: str) -> Preference:
    more, than, times = text.split(":")
    return Preference.model_validate({"more": more, "than": than, "times": float(times)})


def _problems(error: ValidationError, asked: AskedGoals) -> Iterator[FieldProblem]:
    """Yield what is wrong: only combinations of fields can be, and our validators write ``problem; accepted: ...``."""
    about_weights = not asked.prefer
    for each in error.errors():
        message, accepted = in_words(each)
        if about_weights:
            yield FieldProblem(field="weight_accuracy", message=message, accepted=accepted)
        else:
            yield FieldProblem(field="prefer", value=list(asked.prefer), message=message, accepted=accepted)
