"""The search of a job: what to find, under which limits, where, and with how much work.

A search proposes pipelines of a space, learns from their results, and proposes again; see
`edgepress_api.planners.search`.
"""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, ValidationInfo, model_validator

from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.frozen import ANSWER, Frozen, MaybeUnknown
from edgepress_common.spec.evaluation import DeviceSelector
from edgepress_common.spec.goals import Criterion, EachLimit
from edgepress_common.spec.space import Space

SEARCHABLE = tuple(name for name, each in OBJECTIVES.items() if each.figure.source.by != "stage")
"""Criteria that a search can decide by: those of a file and of its measurement."""

Strategy = Literal["knee_guided", "nsga2", "tpe", "random", "grid"]


class SearchLimits(EachLimit):
    """Limits that the file must keep. They are limits of the report's recommendation too."""


class Budget(Frozen):
    """How much work a search may take."""

    trials: int = Field(
        default=40,
        ge=1,
        le=1000,
        description="Members of the space that are tried. Training a good one for all epochs, and the finalists with "
        "other seeds, does not count.",
    )
    hours: float | None = Field(
        default=None,
        gt=0,
        le=24 * 366,
        description="Hours of work that workers and devices spend on the job together, finalists included; work that "
        "was done before the job costs nothing. null: until all trials are done.",
    )


class Search(Frozen):
    """A search for the best pipelines of a space under limits."""

    objectives: Annotated[tuple[MaybeUnknown[Criterion], ...], Field(min_length=1, max_length=5)] = Field(
        default=("accuracy", "latency", "coded"),
        description="Criteria to improve. With several, the search looks for the best trade-off (the knee).",
    )
    limits: SearchLimits = Field(default=SearchLimits(), description="Limits that the file must keep.")
    device: DeviceSelector | None = Field(
        default=None,
        description="Device whose measurements decide: one of evaluation.devices. null: the first of them.",
    )
    budget: Budget = Field(default=Budget(), description="How much work the search may take.")
    strategy: Strategy = Field(
        default="knee_guided",
        description="How the next trials are chosen. knee_guided: from the trials nearest the knee of the front; "
        "nsga2: from the whole front; tpe: by a model of good and bad trials; random; grid: all members in order.",
    )
    space: Space = Field(default=Space(), description="Values that the choices of a pipeline can have.")
    screening: float = Field(
        default=0.34,
        gt=0,
        le=1,
        description="Share of the epochs that each trial is trained for first. Only the best third of the trials is "
        "then trained for all epochs. 1: all trials are trained for all epochs at once.",
    )
    finalists: int = Field(
        default=3, ge=1, le=20, description="Number of the best trials that are trained again with other seeds."
    )
    seeds: int = Field(default=3, ge=1, le=20, description="Number of seeds of each finalist, the first included.")

    def criteria(self) -> tuple[Criterion, ...]:
        """Return the objectives, and after them the criteria that are limited."""
        limited = (name for name, each in OBJECTIVES.items() if getattr(self.limits, each.limit) is not None)
        return tuple(dict.fromkeys((*self.objectives, *limited)))

    @model_validator(mode="after")
    def _can_be_carried_out(self, info: ValidationInfo) -> Self:
        if info.context == ANSWER:
            return self
        for position, name in enumerate(self.objectives):
            if name in self.objectives[:position]:
                raise ValueError(f"objectives[{position}] repeats {name!r}; accepted: each criterion once")
        for name in self.criteria():
            if name not in SEARCHABLE:
                raise ValueError(f"{name!r} is not a figure of a file; accepted: {', '.join(SEARCHABLE)}")
        if self.finalists > self.budget.trials:
            raise ValueError(
                f"finalists is {self.finalists}, but budget.trials is {self.budget.trials}; "
                "accepted: at most as many finalists as trials"
            )
        return self


class SearchExtension(Frozen):
    """A change of a search that goes on from its trials so far."""

    trials: int = Field(default=0, ge=0, le=1000, description="Members of the space to try in addition.")
    hours: float = Field(default=0, ge=0, le=24 * 366, description="Hours of work in addition.")
    space: Space | None = Field(
        default=None,
        description="Space of further trials, such as one with fewer values. Trials outside of it are kept, but are "
        "neither promoted nor finalists. null: as before.",
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.trials and not self.hours and self.space is None:
            raise ValueError("nothing is extended; accepted: trials, hours or space")
        return self


SearchPresetName = Literal["find-fastest", "find-smallest", "find-best"]

_ONE_POINT = SearchLimits(max_accuracy_drop=0.01)

SEARCHES: dict[SearchPresetName, Search] = {
    "find-fastest": Search(objectives=("latency",), limits=_ONE_POINT),
    "find-smallest": Search(objectives=("coded",), limits=_ONE_POINT),
    "find-best": Search(),
}
"""Searches by name: the fastest and the smallest file that lose at most one point, and the best trade-off."""

assert set(SEARCHES) == set(get_args(SearchPresetName))
