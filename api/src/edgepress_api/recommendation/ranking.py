"""Three ways to order alternatives by several criteria at once.

All take a matrix with a row for each alternative and a column for each criterion, larger being better, and weights that
sum to 1; all give a figure for each alternative, larger being better.

1. **Weighted sum**: what Ademola et al. 2021 rank compression methods by (doi:10.3390/s21227529). A weakness in one
   criterion is made up for by strength in others.
2. **TOPSIS** (Hwang and Yoon 1981, Multiple Attribute Decision Making): how far from the worst that occurs in each
   criterion, against how far from the best. It prefers what is good in everything to what is very good here and very
   bad there.
3. **Ideal mode of the Analytic Hierarchy Process** (Saaty 1980): each alternative as a share of the best in each
   criterion, weighted and summed. Measured quantities need no judgement: twice the bytes is half as good.
"""

from collections.abc import Sequence
from math import hypot

Matrix = Sequence[Sequence[float]]


def weighted_sum(scores: Matrix, weights: Sequence[float]) -> list[float]:
    """The sum of an alternative's scores, each times its criterion's weight."""
    return [_dot(row, weights) for row in scores]


def topsis(scores: Matrix, weights: Sequence[float]) -> list[float]:
    """Distance from the worst as a share of the distances from worst and best together, 0 to 1.

    Where all alternatives are alike, all are the best: 1.

    Args:
        scores: Normalized, by whatever rule.
        weights: Of the criteria.
    """
    weighted = [[score * weight for score, weight in zip(row, weights, strict=True)] for row in scores]
    best = [max(column) for column in zip(*weighted, strict=True)]
    worst = [min(column) for column in zip(*weighted, strict=True)]
    found = []
    for row in weighted:
        to_best, to_worst = _distance(row, best), _distance(row, worst)
        found.append(to_worst / (to_best + to_worst) if to_best + to_worst else 1.0)
    return found


def ahp_ideal(costs: Matrix, weights: Sequence[float]) -> list[float]:
    """The sum of the best's share in an alternative's costs, each times its criterion's weight.

    Args:
        costs: Above 0; here a smaller figure is the better one.
        weights: Of the criteria.
    """
    best = [min(column) for column in zip(*costs, strict=True)]
    return [_dot([least / cost for least, cost in zip(best, row, strict=True)], weights) for row in costs]


def places(figures: Sequence[float]) -> list[int]:
    """The place of each, counted from 1; equal figures share a place."""
    # Sums of the same scores in floating point may differ in the last digit.
    rounded = [round(figure, 12) for figure in figures]
    return [1 + sum(other > figure for other in rounded) for figure in rounded]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _distance(left: Sequence[float], right: Sequence[float]) -> float:
    return hypot(*(a - b for a, b in zip(left, right, strict=True)))
