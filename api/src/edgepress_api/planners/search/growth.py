"""The Pareto front of a search as it grew, by its hypervolume; see `edgepress_common.answers.search_analysis`.

1. The front is that of the files with all epochs that keep the limits, in the costs of `ranking`.
2. Each objective is scaled so that 0 is its best value on the front, and 1 its worst there (the nadir point). An
   objective that is the same all over the front, as the only one is, is scaled by its worst value among all files.
3. The reference point is at 1.1 in each objective, so that the ends of the front count as well (Ishibuchi et al. 2018,
   How to Specify a Reference Point in Hypervolume Calculation for Fair Performance Comparison,
   doi:10.1162/evco_a_00226).
4. Files are added in the order in which they ended. With three objectives the volume is summed over slices.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from edgepress_api.planners.search.past import Past
from edgepress_api.planners.search.ranking import Ranked, cost, value_of
from edgepress_api.recommendation.front import hypervolume, pareto_front
from edgepress_common.spec import Criterion

_DIMENSIONS = 3  # of more, the time to compute the volume would not be bounded
_REFERENCE = 1.1

Point = tuple[float, ...]


@dataclass(frozen=True)
class Growth:
    """The front's growth.

    Attributes:
        objectives: Objectives that the volume is of.
        ideal: Best value of each on the front, in the figure's unit.
        reference: Value of each at the reference point, in the figure's unit.
        steps: Name of each pipeline that changed the front, with the hypervolume after it, from 0 to 1.
    """

    objectives: tuple[Criterion, ...]
    ideal: Mapping[Criterion, float]
    reference: Mapping[Criterion, float]
    steps: tuple[tuple[str, float], ...]


def find_growth(past: Past, hours: Mapping[str, float]) -> Growth:
    """Return the growth of a search's front.

    Args:
        past: The results so far.
        hours: Hours of work that had been spent when each pipeline ended, by name.
    """
    objectives = past.search.objectives[:_DIMENSIONS]
    kept = [each for each in past.ranked_full() if not each.excess and each.candidate.pipeline in hours]
    kept.sort(key=lambda each: hours[each.candidate.pipeline])
    if not kept:
        return Growth(objectives, {}, {}, ())
    costs = [_costs(each, objectives) for each in kept]
    front = [costs[at] for at in pareto_front([tuple(-value for value in each) for each in costs])]
    ideal = tuple(map(min, zip(*front, strict=True)))
    worst = map(max, zip(*front, strict=True))
    anywhere = map(max, zip(*costs, strict=True))
    spans = [(nadir - best) or (most - best) or 1.0 for best, nadir, most in zip(ideal, worst, anywhere, strict=True)]
    scores = [
        tuple(
            max(0.0, 1 - (value - best) / (span * _REFERENCE))
            for value, best, span in zip(each, ideal, spans, strict=True)
        )
        for each in costs
    ]
    reference = [best + _REFERENCE * span for best, span in zip(ideal, spans, strict=True)]
    return Growth(
        objectives,
        {name: value_of(name, best) for name, best in zip(objectives, ideal, strict=True)},
        {name: value_of(name, worst) for name, worst in zip(objectives, reference, strict=True)},
        tuple(_steps([each.candidate.pipeline for each in kept], scores)),
    )


def volume(points: Sequence[Point]) -> float:
    """Return the hypervolume of scores from 0 to 1, larger being better, down to 0.

    Args:
        points: Scores in one, two or three objectives.
    """
    if not points:
        return 0.0
    match len(points[0]):
        case 1:
            return max(0.0, *(each[0] for each in points))
        case 2:
            return hypervolume([(x, y) for x, y in points])
        case _:
            heights = sorted({point[2] for point in points if point[2] > 0}, reverse=True)
            return sum(
                (upper - lower) * hypervolume([(x, y) for x, y, z in points if z >= upper])
                for upper, lower in pairwise([*heights, 0.0])
            )


def _costs(ranked: Ranked, objectives: Sequence[Criterion]) -> Point:
    return tuple(cost(name, ranked.candidate.values[name]) for name in objectives)


def _steps(names: Sequence[str], scores: Sequence[Point]) -> Iterator[tuple[str, float]]:
    front: list[Point] = []
    for name, score in zip(names, scores, strict=True):
        if any(all(a >= b for a, b in zip(other, score, strict=True)) for other in front):
            continue
        front = [other for other in front if any(b > a for a, b in zip(score, other, strict=True))] + [score]
        yield name, volume(front)
