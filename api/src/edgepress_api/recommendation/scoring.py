"""Puts what was measured on scales from 0 to 1, the best candidate having 1 in each criterion.

- **Accuracy** falls in a straight line with the points lost. The worst candidate has 0; but where all of them are
  nearer together than a 95 % interval is wide, 0 lies an interval's width below the best: else a handful of images
  would count as much as half of the size.
- **Time and size** are compared as ratios, by their logarithm: from 80 to 40 ms is as much as from 8 to 4. The worst
  candidate has 0; but where all of them are within a factor of two, 0 lies at twice the best.

The Analytic Hierarchy Process takes shares of the best instead. Of accuracy that is the share of errors, or rather the
upper end of its 95 % interval: no errors of 359 images does not mean that it never errs, and is not infinitely better
than one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from edgepress_api.recommendation.noise import wilson
from edgepress_common.spec import Criterion

_LEAST_FACTOR = 2.0
_SMALLEST = 1e-9  # where a logarithm is taken of what was measured as nothing


@dataclass(frozen=True)
class Figures:
    """What counts of a candidate.

    Attributes:
        accuracy: A share.
        images: What it is of.
        latency: In milliseconds; None where it does not count.
        size: In bytes.
        zip: In bytes.
    """

    accuracy: float
    images: int
    latency: float | None
    size: float
    zip: float

    def cost(self, criterion: Criterion) -> float:
        """Above 0; the smaller, the better."""
        if criterion == "accuracy":
            return 1 - wilson(self.accuracy, self.images).low
        value = getattr(self, criterion)
        assert value is not None, "nobody asks for what does not count"
        return max(_SMALLEST, float(value))


def score_columns(candidates: Sequence[Figures], criteria: Sequence[Criterion]) -> list[list[float]]:
    """A row for each candidate, a column for each criterion."""
    columns = [
        _accuracy_scores(candidates) if name == "accuracy" else _cost_scores([one.cost(name) for one in candidates])
        for name in criteria
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def cost_columns(candidates: Sequence[Figures], criteria: Sequence[Criterion]) -> list[list[float]]:
    """Likewise, as costs."""
    return [[candidate.cost(name) for name in criteria] for candidate in candidates]


def _accuracy_scores(candidates: Sequence[Figures]) -> list[float]:
    best = max(candidates, key=lambda candidate: candidate.accuracy)
    worst = min(candidate.accuracy for candidate in candidates)
    interval = wilson(best.accuracy, best.images)
    span = max(best.accuracy - worst, interval.high - interval.low)
    return [1 - (best.accuracy - candidate.accuracy) / span for candidate in candidates]


def _cost_scores(costs: Sequence[float]) -> list[float]:
    best = min(costs)
    span = log(max(max(costs) / best, _LEAST_FACTOR))
    return [1 - log(cost / best) / span for cost in costs]
