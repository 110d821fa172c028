"""Makes the recommendation of a report from its rows.

For each device:

1. The candidates are its files, each with the number of threads that it is fastest with.
2. Candidates that miss a limit or are useless are excluded. The figures of the others are put on scales and ranked by
   three methods. Latencies that do not differ significantly count as the same.
3. Fronts, sensitivity and purposes are computed from those, too.
4. Caveats follow from everything that was measured on the device.

None of this sees the test split, whose figures are added at the end: `edgepress_api.recommendation.final`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_api.recommendation.candidates import (
    accuracy_of,
    at_best_threads,
    choice,
    counting_criteria,
    difference,
    figures,
    find_reference,
    missed_limits,
    objective_values,
    representatives,
)
from edgepress_api.recommendation.cautions import find_cautions
from edgepress_api.recommendation.class_cautions import find_class_cautions
from edgepress_api.recommendation.final import with_final_figures, without_test
from edgepress_api.recommendation.front import hypervolume, knee, pareto_front
from edgepress_api.recommendation.judgements import Priorities, weigh
from edgepress_api.recommendation.purposes import find_purposes
from edgepress_api.recommendation.ranking import ahp_ideal, places, topsis, weighted_sum
from edgepress_api.recommendation.scoring import cost_columns, score_columns
from edgepress_api.recommendation.stability import shares_of_weightings, weight_range
from edgepress_api.recommendation.summary import summary_words
from edgepress_api.recommendation.times import Times
from edgepress_api.recommendation.usefulness import best_useful, default_misses
from edgepress_api.recommendation.wording import Against, stability_words
from edgepress_common.answers.recommendation import (
    Candidate,
    DeviceRecommendation,
    Front,
    PerCriterion,
    Recommendation,
    Stability,
    Standing,
    WeightBounds,
)
from edgepress_common.answers.report import Baselines, ReportRow
from edgepress_common.figures.objectives import TOLD
from edgepress_common.significance import wilson
from edgepress_common.spec import CRITERIA, Criterion, Goals, RankingMethod


def recommend(
    rows: Sequence[ReportRow], baselines: Baselines, goals: Goals, *, classes: Sequence[str] = ()
) -> Recommendation:
    """Return which file to ship to each device.

    Args:
        rows: The rows of the report.
        baselines: The baselines of the report.
        goals: Limits, weights and ranking method.
        classes: Names of the classes, for sentences.
    """
    devices = dict.fromkeys(row.device for row in rows)
    weights = weigh(goals)
    seen = [without_test(row) for row in rows]
    decided = Recommendation(
        goals=goals,
        weights=_per_criterion(CRITERIA, weights.weights),
        consistency_ratio=weights.consistency_ratio,
        devices=tuple(
            _on_device(
                [row for row in seen if row.device == device], baselines, goals, weights=weights, classes=classes
            )
            for device in devices
        ),
    )
    return with_final_figures(decided, rows)


@dataclass(frozen=True)
class _Ranked:
    """The files that keep the limits, with their scores and places."""

    rows: tuple[ReportRow, ...]
    criteria: tuple[Criterion, ...]
    weights: tuple[float, ...]
    scores: list[list[float]]
    standings: tuple[Standing, ...]
    fronts: tuple[Front, ...] = ()

    @property
    def order(self) -> list[int]:
        """Positions, the best first; equal ones in the order of the report."""
        return sorted(range(len(self.rows)), key=lambda at: self.standings[at].place)


def _on_device(
    rows: Sequence[ReportRow], baselines: Baselines, goals: Goals, *, weights: Priorities, classes: Sequence[str]
) -> DeviceRecommendation:
    times = Times.among(rows)
    rows = representatives(rows)
    files = at_best_threads(rows)
    reference, useful = find_reference(files, baselines.float32_tflite), best_useful(files)
    missed = {
        id(row): (*missed_limits(row, goals, reference), *default_misses(row, useful, goals, classes)) for row in files
    }
    ranked = _rank([row for row in files if not missed[id(row)]], goals, weights, times)
    standings = {id(row): standing for row, standing in zip(ranked.rows, ranked.standings, strict=True)}
    ordered = [ranked.rows[at] for at in ranked.order] + [row for row in files if missed[id(row)]]
    best = useful or max(files, key=accuracy_of)
    count = len(ranked.rows)
    against = Against(reference, rows, Times.among(rows))
    return DeviceRecommendation(
        device=rows[0].device,
        emulated=rows[0].emulated,
        reference=choice(reference),
        reference_accuracy=reference.accuracy,
        purposes=find_purposes(ordered[:count], ranked.standings[ranked.order[0]], rows, reference)
        if ranked.rows
        else (),
        candidates=tuple(_candidate(row, best, missed[id(row)], standings.get(id(row))) for row in ordered),
        summary=summary_words(ordered[0], count, against) if count else (),
        fronts=ranked.fronts,
        stability=_stability(ranked),
        cautions=(
            *find_cautions(rows, files, goals, weights.consistency_ratio),
            *find_class_cautions(files, classes),
        ),
    )


def _rank(rows: Sequence[ReportRow], goals: Goals, weights: Priorities, times: Times) -> _Ranked:
    criteria = counting_criteria(rows, goals)
    known = dict(zip(CRITERIA, weights.weights, strict=True))
    total = sum(known[name] for name in criteria)
    # Without latency, the others share its weight; if only latency has a weight, they count the same.
    effective = tuple(known[name] / total if total else 1 / len(criteria) for name in criteria)
    if not rows:
        return _Ranked((), criteria, effective, [], ())
    levels = times.levels(rows)
    drawn = (*criteria, *_told_too(rows, criteria))
    measured = [figures(row, drawn, levels[id(row)]) for row in rows]
    scores, costs = score_columns(measured, criteria), cost_columns(measured, criteria)
    totals: dict[RankingMethod, list[float]] = {
        "weighted_sum": weighted_sum(scores, effective),
        "topsis": topsis(scores, effective, ends=(0, 1)),
        "ahp": ahp_ideal(costs, effective),
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
    fronts = _fronts(rows, drawn, score_columns(measured, drawn))
    return _Ranked(tuple(rows), criteria, effective, scores, standings, fronts)


def _told_too(rows: Sequence[ReportRow], counting: Sequence[Criterion]) -> list[Criterion]:
    """Return the criteria that do not count, but that charts show."""
    return [
        name for name, each in TOLD.items() if name not in counting and all(each.value(row) is not None for row in rows)
    ]


def _shares(scores: Sequence[Sequence[float]], front: Sequence[int]) -> list[float]:
    """Return the share of all weights under which each is first: 0 unless it is on the front."""
    found = [0.0] * len(scores)
    for position, share in zip(front, shares_of_weightings([scores[at] for at in front]), strict=True):
        found[position] = share
    return found


def _candidate(row: ReportRow, best: ReportRow, misses: tuple[str, ...], standing: Standing | None) -> Candidate:
    interval = wilson(row.accuracy, row.images)
    return Candidate(
        **choice(row).model_dump(),
        **objective_values(row),
        method=row.method,
        accuracy_low=interval.low,
        accuracy_high=interval.high,
        difference=difference(row, best),
        misses=misses,
        standing=standing,
        **(
            {}
            if row.over_seeds is None
            else row.over_seeds.model_dump(include={"seeds", "accuracy_mean", "accuracy_std"})
        ),
    )


def _fronts(
    rows: Sequence[ReportRow], criteria: Sequence[Criterion], scores: Sequence[Sequence[float]]
) -> tuple[Front, ...]:
    """Return the fronts of accuracy against each other criterion.

    Args:
        rows: The files, at least one.
        criteria: Accuracy and other criteria.
        scores: Scores, ``(files, criteria)``.
    """
    accuracy = criteria.index("accuracy")
    return tuple(
        _front(rows, against, [(each[at], each[accuracy]) for each in scores])
        for at, against in enumerate(criteria)
        if at != accuracy
    )


def _front(rows: Sequence[ReportRow], against: Criterion, points: Sequence[tuple[float, float]]) -> Front:
    front = sorted(pareto_front(points), key=lambda at: (points[at][1], -points[at][0]))
    found = knee(points, front)
    return Front(
        against=against,
        members=tuple(choice(rows[at]) for at in front),
        knee=None if found is None else choice(rows[found]),
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
    return PerCriterion(**dict(zip(criteria, values, strict=True)))
