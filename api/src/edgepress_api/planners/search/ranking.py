"""The order of candidates: limits first, then the front, then the distance to the ideal point.

1. A candidate that keeps the limits comes before one that does not. Among those that do not, the one that is nearer
   comes first. Each limit is missed by an excess: a ratio by its decimal logarithm, a share in units of five points, so
   that a factor of ten and five points of accuracy weigh the same, as in `edgepress_api.recommendation.scoring`.
2. Among candidates that keep the limits, those on the Pareto front of the objectives come first.
3. The others follow by their **Manhattan distance to the ideal point**, which has the best value of the front in each
   objective. Each objective is divided by its range on the front. The nearest candidate on the front is its knee
   (Chiu, Yen and Juan 2016, Minimum Manhattan Distance Approach to Multiple Criteria Decision Making in Multiobjective
   Optimization Problems, doi:10.1109/TEVC.2016.2564158), which guides the search of Zhou et al. 2021, Knee-Guided
   Evolutionary Algorithm for Compressing Deep Neural Networks, doi:10.1109/TCYB.2019.2928174.

Sizes and times are compared by their logarithm: from 80 to 40 ms counts as much as from 8 to 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

from edgepress_api.recommendation.front import pareto_front
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.spec import Criterion
from edgepress_common.spec.search import Search, SearchLimits

_SHARE_SPAN = 0.05  # the drop of accuracy that weighs as much as a factor of ten
_SMALLEST = 1e-9  # where a logarithm is taken of what was measured as nothing
_ROUNDING = 1e-9  # a drop of exactly what is allowed is allowed

Values = Mapping[Criterion, float]


@dataclass(frozen=True)
class Candidate:
    """A file with the figures that it is judged by.

    Attributes:
        pipeline: Name of its pipeline.
        export: Position of its export in the pipeline.
        values: Value in each criterion of the search, in the figure's unit.
    """

    pipeline: str
    export: int
    values: Values


@dataclass(frozen=True)
class Ranked:
    """A candidate and what decides its place.

    Attributes:
        candidate: The candidate.
        excess: By how much it misses the limits, see the module; 0 if it keeps them.
        on_front: Whether it keeps the limits, and no other such candidate is better in all objectives.
        distance: Manhattan distance to the ideal point.
    """

    candidate: Candidate
    excess: float
    on_front: bool
    distance: float


def cost(criterion: Criterion, value: float) -> float:
    """Return the cost of a value, the smaller the better: 1 more is five points of a share, or a factor of ten."""
    objective = OBJECTIVES[criterion]
    if objective.goal.scale == "share":
        return -value / _SHARE_SPAN
    scaled = log10(max(_SMALLEST, value))
    return -scaled if objective.figure.direction == "higher" else scaled


def value_of(criterion: Criterion, costs: float) -> float:
    """Return the value that has a cost; the reverse of `cost`."""
    objective = OBJECTIVES[criterion]
    if objective.goal.scale == "share":
        return -costs * _SHARE_SPAN
    return float(10 ** (-costs if objective.figure.direction == "higher" else costs))


def excess(criterion: Criterion, values: Values, limits: SearchLimits, reference: Values) -> float:
    """Return by how much the limit of a criterion is missed; 0 if it is kept, or if there is none.

    Args:
        criterion: The criterion.
        values: Values of the candidate.
        limits: The limits.
        reference: Values that drops are measured against.
    """
    objective = OBJECTIVES[criterion]
    limit = getattr(limits, objective.limit)
    if limit is None:
        return 0.0
    least_or_most = reference[criterion] - limit if objective.limit_kind == "drop" else limit
    missed = cost(criterion, values[criterion]) - cost(criterion, least_or_most)
    return missed if missed > _ROUNDING else 0.0


def rank(candidates: Sequence[Candidate], search: Search, reference: Values) -> list[Ranked]:
    """Return candidates in order, the best first; equal ones in the given order.

    Args:
        candidates: Candidates with a value in each criterion of the search.
        search: The search.
        reference: Values that drops are measured against, see `reference_values`.
    """
    excesses = [
        sum(excess(name, each.values, search.limits, reference) for name in search.criteria()) for each in candidates
    ]
    costs = [[cost(name, each.values[name]) for name in search.objectives] for each in candidates]
    feasible = [at for at, missed in enumerate(excesses) if not missed]
    # Without a candidate that keeps the limits, distances are those to the ideal of all.
    among = feasible or list(range(len(candidates)))
    front = [among[at] for at in pareto_front([[-value for value in costs[at]] for at in among])]
    distances = _distances(costs, front)
    ranked = [
        Ranked(candidate, excesses[at], on_front=bool(feasible) and at in set(front), distance=distances[at])
        for at, candidate in enumerate(candidates)
    ]
    return sorted(ranked, key=lambda each: (each.excess, not each.on_front, each.distance))


def reference_values(reference: Candidate | None, candidates: Sequence[Candidate]) -> Values:
    """Return the values that drops are measured against: of the reference, else of the most accurate candidate."""
    if reference is not None:
        return reference.values
    limited = [name for name, each in OBJECTIVES.items() if each.limit_kind == "drop"]
    return {
        name: max((each.values[name] for each in candidates if name in each.values), default=0.0) for name in limited
    }


def _distances(costs: Sequence[Sequence[float]], front: Sequence[int]) -> list[float]:
    """Return the Manhattan distance of each row to the ideal of the front, each objective divided by its range there.

    An objective that is the same all over the front is not divided.
    """
    columns = [[costs[at][column] for at in front] for column in range(len(costs[0]) if costs else 0)]
    scales = [(min(column), max(column) - min(column) or 1.0) for column in columns]
    return [sum((value - ideal) / span for value, (ideal, span) in zip(row, scales, strict=True)) for row in costs]
