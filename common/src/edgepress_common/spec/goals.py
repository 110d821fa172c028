"""The goals of a job: the limits that a file must keep, and the weight of each criterion among those that do.

Goals can be part of a job's spec, and can be given later, to a report that exists.

A file that misses a limit is never recommended. Weights order the others. ``preferences`` compare two criteria at a
time instead; the weights then follow from them (the Analytic Hierarchy Process), and so does how far they contradict
each other.

Limits and weights follow from the figures that are declared as criteria; see `edgepress_common.figures`.
"""

from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, ValidationInfo, create_model, model_validator

from edgepress_common.figures.objectives import OBJECTIVES, Objective
from edgepress_common.frozen import ANSWER, Frozen, MaybeUnknown

CRITERIA: tuple[str, ...] = tuple(OBJECTIVES)
RankingMethod = Literal["weighted_sum", "topsis", "ahp"]

# Saaty 1980, The Analytic Hierarchy Process: people distinguish no more than nine degrees of "more important", and no
# more than nine criteria at a time.
_MOST_TIMES = 9
_MOST_COMPARED = 9
_ALL_PAIRS = len(tuple(combinations(CRITERIA, 2)))


def limit_fields() -> dict[str, Any]:
    """Return the fields of a model that has the limit of each criterion, as ``pydantic.create_model`` takes them."""
    return {each.limit: (each.type | None, _limit(each)) for each in OBJECTIVES.values()}


def _limit(each: Objective) -> Any:
    if each.limit_kind == "drop":
        return Field(default=None, ge=0, le=each.goal.most, description=each.limit_description)
    return Field(default=None, gt=0, le=each.goal.most, description=each.limit_description)


if TYPE_CHECKING:
    # The criteria that the code names; the others follow from their declarations, as these do.
    Criterion = str

    class _EachWeight(Frozen):
        accuracy: float = 2
        latency: float = 2
        size: float = 1
        zip: float = 1

    class EachLimit(Frozen):
        """A limit for each criterion; None for no limit."""

        max_accuracy_drop: float | None = None
        max_latency_ms: float | None = None
        max_size_bytes: int | None = None
        max_zip_bytes: int | None = None

else:
    Criterion = Literal[CRITERIA]
    _EachWeight = create_model(
        "_EachWeight",
        __base__=Frozen,
        **{
            name: (
                float,
                Field(default=each.goal.weight, ge=0, le=1000, description=f"Weight of the {each.goal.title}."),
            )
            for name, each in OBJECTIVES.items()
        },
    )
    EachLimit = create_model("EachLimit", __base__=Frozen, **limit_fields())


class Weights(_EachWeight):
    """The weight of each criterion, relative to the others.

    By default accuracy, latency and size count the same; half of the size is that of the file, half that of the zipped
    file.
    """

    @model_validator(mode="after")
    def _something_counts(self, info: ValidationInfo) -> Self:
        if info.context != ANSWER and not any(getattr(self, name) for name in CRITERIA):
            raise ValueError(f"all weights are 0; accepted: at least one of {', '.join(CRITERIA)} above 0")
        return self


class Preference(Frozen):
    """How many times as important one criterion is as another."""

    more: MaybeUnknown[Criterion] = Field(description="The criterion that is more important.")
    than: MaybeUnknown[Criterion] = Field(description="The criterion that is less important.")
    times: float = Field(
        ge=1,
        le=_MOST_TIMES,
        description="On Saaty's scale: 1 equally, 3 moderately, 5 strongly, 7 very strongly, 9 extremely.",
    )

    @model_validator(mode="after")
    def _of_two(self) -> Self:
        if self.more == self.than:
            raise ValueError(f"compares {self.more} with itself; accepted: two of {', '.join(CRITERIA)}")
        return self


class Goals(EachLimit):
    """Limits that a file must keep, and the weight of each criterion among the files that keep them."""

    weights: Weights = Field(default=Weights(), description="Weights of the criteria.")
    preferences: tuple[Preference, ...] = Field(
        default=(),
        max_length=_ALL_PAIRS,
        description="Criteria compared two at a time; the weights then follow from these. Pairs without a preference "
        "compare as `weights` do.",
    )
    method: MaybeUnknown[RankingMethod] = Field(
        default="weighted_sum",
        description="Ranking method that determines the first place; the report shows all three.",
    )

    @model_validator(mode="after")
    def _preferences_fit(self, info: ValidationInfo) -> Self:
        if info.context == ANSWER:
            return self
        counting = [name for name in CRITERIA if getattr(self.weights, name)]
        if self.preferences and len(counting) > _MOST_COMPARED:
            raise ValueError(
                f"preferences compare {len(counting)} criteria with a weight above 0; "
                f"accepted: at most {_MOST_COMPARED}"
            )
        seen: set[frozenset[Criterion]] = set()
        for position, preference in enumerate(self.preferences):
            pair = frozenset((preference.more, preference.than))
            if pair in seen:
                raise ValueError(
                    f"preferences[{position}] compares {preference.more} and {preference.than} a second time; "
                    "accepted: each pair once"
                )
            seen.add(pair)
            for name in (preference.more, preference.than):
                if name not in counting:
                    raise ValueError(
                        f"preferences[{position}] compares {name}, whose weight is 0; accepted: criteria with a "
                        "weight above 0"
                    )
        return self
