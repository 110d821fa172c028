"""Three ways to order alternatives by several criteria at once.

Each takes a matrix with a row for each alternative and a column for each criterion, larger being better, and weights
that sum to 1, and returns a total for each alternative, larger being better.

1. **Weighted sum**: the method by which Ademola et al. 2021 rank compression methods (doi:10.3390/s21227529). A
   weakness in one criterion is compensated by strength in others.
2. **TOPSIS** (Hwang and Yoon 1981, Multiple Attribute Decision Making): the distance from the worst in each criterion,
   compared with the distance from the best. It prefers alternatives that are good in every criterion. With best and
   worst that are fixed, not those that occur, a bad alternative can't change the order of the others (R-TOPSIS: de
   Farias Aires and Ferreira 2019, Computers & Industrial Engineering 132).
3. **Ideal mode of the Analytic Hierarchy Process** (Saaty 1980): each alternative as a share of the best in each
   criterion, weighted and summed. Measured quantities need no judgement: twice the bytes is half as good.
"""

from collections.abc import Sequence
from math import hypot

Matrix = Sequence[Sequence[float]]


def weighted_sum(scores: Matrix, weights: Sequence[float]) -> list[float]:
    """Return the sum of each alternative's scores, weighted by criterion."""
    return [_dot(row, weights) for row in scores]


def topsis(scores: Matrix, weights: Sequence[float], *, ends: tuple[float, float] | None = None) -> list[float]:
    """Return each alternative's distance from the worst as a share of the distances from worst and best, 0 to 1.

    If all alternatives are equal, all are the best: 1.

    Args:
        scores: Normalized scores, shape ``(alternatives, criteria)``.
        weights: Weight of each criterion.
        ends: Worst and best score in each criterion, scores beyond which count as these; None for those that occur.
    """
    if ends is not None:
        scores = [[min(max(score, ends[0]), ends[1]) for score in row] for row in scores]
    weighted = [[score * weight for score, weight in zip(row, weights, strict=True)] for row in scores]
    best = [max(column) for column in zip(*weighted, strict=True)]
    worst = [min(column) for column in zip(*weighted, strict=True)]
    if ends is not None:
        worst, best = [[end * weight for weight in weights] for end in ends]
    found = []
    for row in weighted:
        to_best, to_worst = _distance(row, best), _distance(row, worst)
        found.append(to_worst / (to_best + to_worst) if to_best + to_worst else 1.0)
    return found


def ahp_ideal(costs: Matrix, weights: Sequence[float]) -> list[float]:
    """Return the sum of the ratios of the lowest cost to each alternative's cost, weighted by criterion.

    Args:
        costs: Costs above 0, the smaller the better, shape ``(alternatives, criteria)``.
        weights: Weight of each criterion.
    """
    best = [min(column) for column in zip(*costs, strict=True)]
    return [_dot([least / cost for least, cost in zip(best, row, strict=True)], weights) for row in costs]


def places(figures: Sequence[float]) -> list[int]:
    """Return the place of each total, counted from 1; equal totals share a place."""
    # Sums of the same scores in floating point may differ in the last digit.
    rounded = [round(figure, 12) for figure in figures]
    return [1 + sum(other > figure for other in rounded) for figure in rounded]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _distance(left: Sequence[float], right: Sequence[float]) -> float:
    return hypot(*(a - b for a, b in zip(left, right, strict=True)))
