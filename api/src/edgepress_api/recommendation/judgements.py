"""Weights of criteria from comparisons of two at a time: the Analytic Hierarchy Process (Saaty 1980).

1. The comparisons make a matrix: ``a[i][j]`` is how many times as important criterion i is as criterion j, and
   ``a[j][i]`` is one over that.
2. The weights are its principal eigenvector, found by the power method.
3. If the comparisons do not contradict each other (a is twice b, b is twice c, a is four times c), the largest
   eigenvalue is the number of criteria. The excess, divided by the number of criteria minus one, is the consistency
   index; divided by the mean index of random comparisons, it is the **consistency ratio**. Above 0.1, the comparisons
   should be made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_common.spec import CRITERIA, Criterion, Goals

ACCEPTABLE_RATIO = 0.1  # Saaty 1980

# Mean consistency index of random matrices, by number of criteria: Saaty 1980.
_RANDOM_INDEX = {1: 0.0, 2: 0.0, 3: 0.58, 4: 0.90, 5: 1.12, 6: 1.24, 7: 1.32, 8: 1.41, 9: 1.45}

_ITERATIONS = 1000
_CONVERGED = 1e-12


@dataclass(frozen=True)
class Priorities:
    """Weights that follow from comparisons.

    Attributes:
        weights: Weight of each criterion, summing to 1.
        consistency_ratio: Consistency ratio; 0 without contradictions.
    """

    weights: tuple[float, ...]
    consistency_ratio: float


def weigh(goals: Goals, criteria: Sequence[Criterion] = CRITERIA) -> Priorities:
    """Return the weights of criteria: those of the goals, or those that follow from their preferences."""
    asked = {name: float(getattr(goals.weights, name)) for name in criteria}
    if not goals.preferences:
        total = sum(asked.values())
        return Priorities(tuple(weight / total for weight in asked.values()), 0.0)
    counting = [name for name, weight in asked.items() if weight]
    matrix = [[asked[ours] / asked[theirs] for theirs in counting] for ours in counting]
    for preference in goals.preferences:
        more, than = counting.index(preference.more), counting.index(preference.than)
        matrix[more][than], matrix[than][more] = preference.times, 1 / preference.times
    found = priorities(matrix)
    weights = dict(zip(counting, found.weights, strict=True))
    return Priorities(tuple(weights.get(name, 0.0) for name in criteria), found.consistency_ratio)


def priorities(comparisons: Sequence[Sequence[float]]) -> Priorities:
    """Return the weights that follow from comparisons, and how far those contradict each other.

    Args:
        comparisons: The matrix of step 1, shape ``(criteria, criteria)``, of at most nine criteria.
    """
    count = len(comparisons)
    weights = [1 / count] * count
    eigenvalue = float(count)
    for _ in range(_ITERATIONS):
        product = [sum(a * weight for a, weight in zip(row, weights, strict=True)) for row in comparisons]
        eigenvalue = sum(product)
        found = [value / eigenvalue for value in product]
        moved = max(abs(new - old) for new, old in zip(found, weights, strict=True))
        weights = found
        if moved < _CONVERGED:
            break
    index = (eigenvalue - count) / (count - 1) if count > 1 else 0.0
    random_index = _RANDOM_INDEX[count]
    return Priorities(tuple(weights), max(0.0, index / random_index) if random_index else 0.0)
