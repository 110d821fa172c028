"""Puts measured figures on fixed scales; the best candidate has 1 in each criterion.

How good a candidate is depends on the best in each criterion, never on bad ones: a scale down to the worst would be
stretched by a useless file, which would then change the order of the others.

- **Shares of the validation images** (accuracy) are scored by their difference: 0 lies five points below the best, or
  the width of its 95 % interval if that is more: otherwise a few images would count as much as half of the size.
- **Everything else** (latency, size) is scored by its ratio, on a logarithmic scale: from 80 to 40 ms counts as much as
  from 8 to 4. 0 lies at ten times the best. So one point of accuracy counts as much as a factor of 1.6.

Candidates beyond 0 have negative scores.

The Analytic Hierarchy Process uses shares of the best cost instead. The cost of an accuracy is the share of errors, or
rather the upper end of its 95 % interval: no errors in 359 images do not mean that the network never errs, and are not
infinitely better than one. The cost of a figure of which more is better is its reciprocal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.significance import wilson
from edgepress_common.spec import Criterion

_SHARE_SPAN = 0.05  # the largest loss of accuracy that is recommended by default, see `usefulness`
_COST_SPAN = 10.0
_SMALLEST = 1e-9  # where a logarithm is taken of what was measured as nothing


@dataclass(frozen=True)
class Figures:
    """The figures of a candidate.

    Attributes:
        values: Value in each criterion that counts, in the figure's unit.
        images: Number of validation images.
    """

    values: Mapping[Criterion, float]
    images: int

    def cost(self, criterion: Criterion) -> float:
        """Return the cost in a criterion: above 0, the smaller the better."""
        objective, value = OBJECTIVES[criterion], self.values[criterion]
        if objective.goal.scale == "share":
            return 1 - wilson(value, self.images).low
        cost = max(_SMALLEST, value)
        return 1 / cost if objective.figure.direction == "higher" else cost


def score_columns(candidates: Sequence[Figures], criteria: Sequence[Criterion]) -> list[list[float]]:
    """Return scores, shape ``(candidates, criteria)``."""
    columns = [
        _share_scores(candidates, name)
        if OBJECTIVES[name].goal.scale == "share"
        else _cost_scores([one.cost(name) for one in candidates])
        for name in criteria
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def cost_columns(candidates: Sequence[Figures], criteria: Sequence[Criterion]) -> list[list[float]]:
    """Return costs, shape ``(candidates, criteria)``."""
    return [[candidate.cost(name) for name in criteria] for candidate in candidates]


def _share_scores(candidates: Sequence[Figures], criterion: Criterion) -> list[float]:
    shares = [candidate.values[criterion] for candidate in candidates]
    best = max(shares)
    interval = wilson(best, candidates[shares.index(best)].images)
    span = max(_SHARE_SPAN, interval.high - interval.low)
    return [1 - (best - share) / span for share in shares]


def _cost_scores(costs: Sequence[float]) -> list[float]:
    best = min(costs)
    span = log(_COST_SPAN)
    return [1 - log(cost / best) / span for cost in costs]
