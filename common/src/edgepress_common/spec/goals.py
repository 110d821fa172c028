"""What a file has to be to be worth shipping, and what counts how much among those that are.

A job's spec can say it beforehand, and whoever reads the report can ask with other goals, without a new job.

Limits come first: a file that misses one is never recommended. Weights then order those that are left. Who finds it
easier to compare two criteria at a time says ``preferences``; the weights then follow from those (the Analytic
Hierarchy Process), and so does how far they contradict each other.
"""

from itertools import combinations
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from edgepress_common.frozen import Frozen

Criterion = Literal["accuracy", "latency", "size", "zip"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
RankingMethod = Literal["weighted_sum", "topsis", "ahp"]

# Saaty 1980, The Analytic Hierarchy Process: people tell no more than nine steps of "more important" apart.
_MOST_TIMES = 9
_ALL_PAIRS = len(tuple(combinations(CRITERIA, 2)))


class Weights(Frozen):
    """How much each criterion counts, in relation to the others.

    By default being right, being fast and being small count the same; small is half of it the file as it is, half of it
    the file zipped.
    """

    accuracy: float = Field(default=2, ge=0, le=1000, description="Of being right.")
    latency: float = Field(default=2, ge=0, le=1000, description="Of the median time of one image.")
    size: float = Field(default=1, ge=0, le=1000, description="Of the .tflite file as it is.")
    zip: float = Field(default=1, ge=0, le=1000, description="Of the .tflite file, zipped.")

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if not any(getattr(self, name) for name in CRITERIA):
            raise ValueError(f"all weights are 0; accepted: at least one of {', '.join(CRITERIA)} above 0")
        return self


class Preference(Frozen):
    """One criterion against another: how many times as important it is."""

    more: Criterion = Field(description="The one that is more important.")
    than: Criterion = Field(description="The other.")
    times: float = Field(
        ge=1, le=_MOST_TIMES, description="On Saaty's scale: 1 equally, 3 somewhat, 5 clearly, 7 much, 9 out and away."
    )

    @model_validator(mode="after")
    def _of_two(self) -> Self:
        if self.more == self.than:
            raise ValueError(f"compares {self.more} with itself; accepted: two of {', '.join(CRITERIA)}")
        return self


class Goals(Frozen):
    """Limits that a file must keep, and what counts among those that keep them."""

    max_accuracy_drop: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Accuracy it may lose, as a share (0.01 is one point), against the float32 .tflite of the network "
        "trained and not compressed; against the most accurate file where there is no such.",
    )
    max_latency_ms: float | None = Field(default=None, gt=0, le=1e9, description="Median time of one image.")
    max_size_bytes: int | None = Field(default=None, gt=0, le=2**53, description="Of the .tflite file.")
    max_zip_bytes: int | None = Field(default=None, gt=0, le=2**53, description="Of the .tflite file, zipped.")
    weights: Weights = Weights()
    preferences: tuple[Preference, ...] = Field(
        default=(),
        max_length=_ALL_PAIRS,
        description="Criteria compared two at a time; the weights then follow from these. Pairs of which nothing is "
        "said compare as `weights` do.",
    )
    method: RankingMethod = Field(
        default="weighted_sum",
        description="Which ranking the first place is taken from; all three are shown.",
    )

    @model_validator(mode="after")
    def _preferences_fit(self) -> Self:
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
                if getattr(self.weights, name) == 0:
                    raise ValueError(
                        f"preferences[{position}] compares {name}, whose weight is 0; accepted: criteria that count"
                    )
        return self
