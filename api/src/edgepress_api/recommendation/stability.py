"""How sensitive a first place is to the weights.

The weighted sum is linear in the weights, so this is computed rather than sampled:

1. **Range of one weight.** One criterion's weight goes from 0 to 1 and the others keep their proportions. Against each
   other alternative, the first's lead is a straight line over that weight; where it crosses 0, the other takes over.
   The range is what lies between the nearest crossings.
2. **Share of all weightings.** All ways to divide the weight among the criteria in steps of a twentieth, each counted
   the same: the share in which the alternative is first (the first-rank acceptability of Lahdelma et al. 1998,
   doi:10.1016/S0377-2217(97)00163-X, on a grid instead of at random, so that it is the same every time). With more
   than five criteria the steps are larger, so that there are at most 20,000 weightings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb

from edgepress_api.recommendation.ranking import Matrix, weighted_sum

_GRID = 20
_MOST_WEIGHTINGS = 20_000
_TIE = 1e-12


@dataclass(frozen=True)
class WeightRange:
    """The range of the weight of one criterion within which the first stays first.

    Attributes:
        low: Lower end.
        high: Upper end.
        below: Position of the alternative that is first below the range; None where there is none.
        above: Position of the alternative that is first above the range; None where there is none.
    """

    low: float
    high: float
    below: int | None
    above: int | None


def weight_range(scores: Matrix, weights: Sequence[float], first: int, criterion: int) -> WeightRange:
    """Return the range of one criterion's weight: step 1 above.

    Args:
        scores: Scores, shape ``(alternatives, criteria)``.
        weights: Weights under which ``first`` is first, summing to 1.
        first: Position of the first alternative.
        criterion: Position of the criterion whose weight changes.
    """
    now, rest = weights[criterion], 1 - weights[criterion]
    alone = [1.0 if at == criterion else 0.0 for at in range(len(weights))]
    if rest <= _TIE:  # the others have no proportions to keep
        others = [0.0 if at == criterion else 1 / max(1, len(weights) - 1) for at in range(len(weights))]
    else:
        others = [0.0 if at == criterion else weight / rest for at, weight in enumerate(weights)]
    at_none, at_all = weighted_sum(scores, others), weighted_sum(scores, alone)
    low, high = 0.0, 1.0
    below: int | None = None
    above: int | None = None
    for other in range(len(scores)):
        lead_at_none, lead_at_all = at_none[first] - at_none[other], at_all[first] - at_all[other]
        slope = lead_at_all - lead_at_none
        if abs(slope) <= _TIE:
            continue
        crossing = -lead_at_none / slope
        if slope > 0 and low < crossing <= now + _TIE:
            low, below = min(crossing, now), other
        if slope < 0 and now - _TIE <= crossing < high:
            high, above = max(crossing, now), other
    return WeightRange(low, high, below, above)


def shares_of_weightings(scores: Matrix) -> list[float]:
    """Return each alternative's share of all weightings: step 2 above. Alternatives that tie for first share it."""
    wins = [0.0] * len(scores)
    count = 0
    criteria = len(scores[0]) if scores else 0
    for weights in _weightings(criteria, grid := _grid(criteria), grid):
        sums = weighted_sum(scores, weights)
        top = max(sums)
        winners = [position for position, total in enumerate(sums) if top - total <= _TIE]
        for position in winners:
            wins[position] += 1 / len(winners)
        count += 1
    return [win / count for win in wins] if count else wins


def _grid(criteria: int) -> int:
    """Return the number of steps of the grid."""
    fits = (grid for grid in range(_GRID, 0, -1) if comb(grid + criteria - 1, criteria - 1) <= _MOST_WEIGHTINGS)
    return next(fits, 1) if criteria else _GRID


def _weightings(criteria: int, left: int, grid: int) -> Iterator[tuple[float, ...]]:
    """Yield all ways to divide the steps that are left of a grid among some criteria."""
    if criteria == 1:
        yield (left / grid,)
    elif criteria > 1:
        for steps in range(left + 1):
            for others in _weightings(criteria - 1, left - steps, grid):
                yield (steps / grid, *others)
