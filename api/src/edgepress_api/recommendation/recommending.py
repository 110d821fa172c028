"""Makes a recommendation of a report's rows.

For each device:

1. Its candidates are its files, each with the number of threads that it is fastest with.
2. Those that miss a limit are out; of the others only, figures are put on scales and ranked by three methods.
3. Fronts, stability and purposes are of those as well.
4. What is to be careful about is looked up in all that was measured there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_api.recommendation.candidates import (
    at_best_threads,
    choice,
    difference,
    figures,
    find_reference,
    missed_limits,
)
from edgepress_api.recommendation.cautions import find_cautions
from edgepress_api.recommendation.document import (
    Candidate,
    DeviceRecommendation,
    Front,
    PerCriterion,
    Recommendation,
    Stability,
    Standing,
    WeightBounds,
)
from edgepress_api.recommendation.front import hypervolume, knee, pareto_front
from edgepress_api.recommendation.judgements import Priorities, weigh
from edgepress_api.recommendation.noise import wilson
from edgepress_api.recommendation.purposes import find_purposes
from edgepress_api.recommendation.ranking import ahp_ideal, places, topsis, weighted_sum
from edgepress_api.recommendation.scoring import cost_columns, score_columns
from edgepress_api.recommendation.stability import shares_of_weightings, weight_range
from edgepress_api.recommendation.wording import stability_words
from edgepress_api.report.document.rows import Baselines, ReportRow
from edgepress_common.spec import CRITERIA, Criterion, Goals, RankingMethod

_UNTIMED: tuple[Criterion, ...] = tuple(name for name in CRITERIA if name != "latency")


def recommend(rows: Sequence[ReportRow], baselines: Baselines, goals: Goals) -> Recommendation:
    """Which file to ship, by goals.

    Args:
        rows: A report's.
        baselines: Likewise.
        goals: What is looked for.
    """
    devices = dict.fromkeys(row.device for row in rows)
    weights = weigh(goals)
    return Recommendation(
        goals=goals,
        weights=_per_criterion(CRITERIA, weights.weights),
        consistency_ratio=weights.consistency_ratio,
        devices=tuple(
            _on_device([row for row in rows if row.device == device], baselines, goals, weights) for device in devices
        ),
    )


@dataclass(frozen=True)
class _Ranked:
    """The files that keep the limits, and how they stand."""

    rows: tuple[ReportRow, ...]
    criteria: tuple[Criterion, ...]
    weights: tuple[float, ...]
    scores: list[list[float]]
    standings: tuple[Standing, ...]

    @property
    def order(self) -> list[int]:
        """Positions, the best first; equals in the order of the report."""
        return sorted(range(len(self.rows)), key=lambda at: self.standings[at].place)


def _on_device(
    rows: Sequence[ReportRow], baselines: Baselines, goals: Goals, weights: Priorities
) -> DeviceRecommendation:
    files = at_best_threads(rows)
    reference = find_reference(files, baselines.float32_tflite)
    missed = {id(row): tuple(missed_limits(row, goals, reference)) for row in files}
    ranked = _rank([row for row in files if not missed[id(row)]], goals, weights)
    standings = {id(row): standing for row, standing in zip(ranked.rows, ranked.standings, strict=True)}
    ordered = [ranked.rows[at] for at in ranked.order] + [row for row in files if missed[id(row)]]
    best = max(files, key=lambda row: row.accuracy)
    return DeviceRecommendation(
        device=rows[0].device,
        emulated=rows[0].emulated,
        reference=choice(reference),
        reference_accuracy=reference.accuracy,
        purposes=find_purposes(ordered[: len(ranked.rows)], ranked.standings[ranked.order[0]], reference)
        if ranked.rows
        else (),
        candidates=tuple(_candidate(row, best, missed[id(row)], standings.get(id(row))) for row in ordered),
        fronts=_fronts(ranked),
        stability=_stability(ranked),
        cautions=tuple(find_cautions(rows, files, goals, weights.consistency_ratio)),
    )


def _rank(rows: Sequence[ReportRow], goals: Goals, weights: Priorities) -> _Ranked:
    criteria = _UNTIMED if any(row.emulated for row in rows) else CRITERIA
    known = dict(zip(CRITERIA, weights.weights, strict=True))
    total = sum(known[name] for name in criteria)
    # Without time, the others share its weight; if only time was to count, all alike.
    in_force = tuple(known[name] / total if total else 1 / len(criteria) for name in criteria)
    if not rows:
        return _Ranked((), criteria, in_force, [], ())
    measured = [figures(row) for row in rows]
    scores, costs = score_columns(measured, criteria), cost_columns(measured, criteria)
    totals: dict[RankingMethod, list[float]] = {
        "weighted_sum": weighted_sum(scores, in_force),
        "topsis": topsis(scores, in_force),
        "ahp": ahp_ideal(costs, in_force),
    }
    orders = {method: places(found) for method, found in totals.items()}
    on_front = set(pareto_front(scores))
    shares = _shares(scores, sorted(on_front))
    standings = tuple(
        Standing(
            place=orders[goals.method][at],
            places={method: order[at] for method, order in orders.items()},
            totals={method: found[at] for method, found in totals.items()},
            scores=_per_criterion(criteria, scores[at]),
            share_of_weightings=shares[at],
            on_front=at in on_front,
        )
        for at in range(len(rows))
    )
    return _Ranked(tuple(rows), criteria, in_force, scores, standings)


def _shares(scores: Sequence[Sequence[float]], front: Sequence[int]) -> list[float]:
    """Only what is on the front is ever first, or as good as what is."""
    found = [0.0] * len(scores)
    for position, share in zip(front, shares_of_weightings([scores[at] for at in front]), strict=True):
        found[position] = share
    return found


def _candidate(row: ReportRow, best: ReportRow, misses: tuple[str, ...], standing: Standing | None) -> Candidate:
    interval = wilson(row.accuracy, row.images)
    return Candidate(
        **choice(row).model_dump(),
        method=row.method,
        accuracy=row.accuracy,
        accuracy_low=interval.low,
        accuracy_high=interval.high,
        difference=difference(row, best),
        latency_ms=None if row.emulated else row.latency_ms.p50,
        size_bytes=row.size_bytes,
        zip_bytes=row.zip_bytes,
        misses=misses,
        standing=standing,
    )


def _fronts(ranked: _Ranked) -> tuple[Front, ...]:
    return tuple(_front(ranked, against) for against in ranked.criteria if against != "accuracy" and ranked.rows)


def _front(ranked: _Ranked, against: Criterion) -> Front:
    accuracy, other = ranked.criteria.index("accuracy"), ranked.criteria.index(against)
    points = [(row[other], row[accuracy]) for row in ranked.scores]
    front = sorted(pareto_front(points), key=lambda at: (points[at][1], -points[at][0]))
    found = knee(points, front)
    return Front(
        against=against,
        members=tuple(choice(ranked.rows[at]) for at in front),
        knee=None if found is None else choice(ranked.rows[found]),
        hypervolume=hypervolume(points),
    )


def _stability(ranked: _Ranked) -> Stability | None:
    if not ranked.rows:
        return None
    first = next(at for at, standing in enumerate(ranked.standings) if standing.places["weighted_sum"] == 1)
    bounds = []
    for column, criterion in enumerate(ranked.criteria):
        found = weight_range(ranked.scores, ranked.weights, first, column)
        bounds.append(
            WeightBounds(
                criterion=criterion,
                weight=ranked.weights[column],
                low=found.low,
                high=found.high,
                below=None if found.below is None else choice(ranked.rows[found.below]),
                above=None if found.above is None else choice(ranked.rows[found.above]),
            )
        )
    standing = ranked.standings[first]
    agree = set(standing.places.values()) == {1}
    return Stability(
        first=choice(ranked.rows[first]),
        share_of_weightings=standing.share_of_weightings,
        bounds=tuple(bounds),
        methods_agree=agree,
        words=stability_words(ranked.rows, ranked.standings, first, bounds),
    )


def _per_criterion(criteria: Sequence[Criterion], values: Sequence[float]) -> PerCriterion:
    found = dict(zip(criteria, values, strict=True))
    return PerCriterion(
        accuracy=found.get("accuracy"), latency=found.get("latency"), size=found.get("size"), zip=found.get("zip")
    )
