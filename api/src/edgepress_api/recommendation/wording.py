"""A recommendation in sentences, each with the figures that it is based on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgepress_api.recommendation.candidates import difference, is_same_file, name
from edgepress_api.recommendation.times import Times
from edgepress_api.recommendation.usefulness import DEFAULT_DROP
from edgepress_common.answers.recommendation import PURPOSES, PurposeName, Standing, WeightBounds
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.formats import percent, points, times
from edgepress_common.figures.objectives import OBJECTIVES, TOLD, Objective
from edgepress_common.recommendation_words import CRITERION_WORDS, NOT_SIGNIFICANT, RANKING_TITLES
from edgepress_common.significance import wilson
from edgepress_common.spec import Goals

PURPOSE_OBJECTIVES = {
    purpose: each for purpose in PURPOSES for each in OBJECTIVES.values() if each.goal.purpose == purpose
}
"""The criterion of each purpose; the best all-round file has none."""
_ZIP = OBJECTIVES["zip"]
_NAMED_TIES = 3


@dataclass(frozen=True)
class Against:
    """The reference that files are compared with in sentences.

    Attributes:
        reference: The reference file, with the number of threads that it is fastest with.
        rows: All rows of the device: latencies are compared with those of the reference with as many threads.
        times: Latencies of the rows.
    """

    reference: ReportRow
    rows: Sequence[ReportRow]
    times: Times

    def with_threads(self, threads: int) -> ReportRow | None:
        """Return the reference with a number of threads; None if it was not measured with so many."""
        same = (row for row in self.rows if row.threads == threads and is_same_file(row, self.reference))
        return next(same, None)


def all_round_words(
    rows: Sequence[ReportRow],
    standing: Standing,
    instead: ReportRow | None,
    *,
    best: ReportRow,
    against: Against,
) -> str:
    """Return why the first of the ranking is first, and the alternative."""
    row, count = rows[0], len(rows)
    ranked = ", ".join(f"{_ordinal(place)} by {RANKING_TITLES[method]}" for method, place in standing.places.items())
    of = f"Among {count} files that keep the limits: {ranked}" if count > 1 else "The only file that keeps the limits"
    parts = [f"{name(row)}: {facts(row)}. {of}.", _against(row, against)]
    if instead is not None:
        parts.append(_rather("best_all_round", instead, best))
    return " ".join(part for part in parts if part)


def purpose_words(
    purpose: PurposeName, row: ReportRow, instead: ReportRow | None, *, best: ReportRow, against: Against
) -> str:
    """Return why a file is chosen for a purpose, and the alternative."""
    parts = [f"{name(row)}: {facts(row)}.", _against(row, against)]
    if instead is not None and purpose == "most_accurate":
        parts.append(
            f"{name(instead)} is smaller to send ({_value(_ZIP, instead)}); its accuracy, {percent(instead.accuracy)}, "
            f"is not significantly different on these {row.images} images."
        )
    elif instead is not None:
        parts.append(_rather(purpose, instead, best))
    return " ".join(part for part in parts if part)


def tie_words(tied: Sequence[ReportRow]) -> str:
    """Return that the latency of a file, which was chosen as the most accurate, ties with that of others."""
    named = ", ".join(map(name, tied[:_NAMED_TIES]))
    more = f" and {len(tied) - _NAMED_TIES} more" if len(tied) > _NAMED_TIES else ""
    return f"Its latency does not differ significantly from that of {named}{more}."


def facts(row: ReportRow) -> str:
    """Return the figures of a file in each criterion, in a line."""
    return ", ".join(_fact(each, row) for each in TOLD.values() if each.value(row) is not None)


def limit_words(goals: Goals, reference: str) -> list[str]:
    """Return the limits that goals set, each in words.

    Args:
        goals: The goals.
        reference: Name and accuracy of the file that accuracy drops are measured against.
    """
    found = []
    for each in OBJECTIVES.values():
        limit = getattr(goals, each.limit)
        if limit is not None:
            match each.limit_kind:
                case "drop":
                    found.append(f"{each.goal.title} drop at most {points(limit)} against {reference}")
                case "most":
                    found.append(f"{each.goal.title} at most {each.figure.text(limit)}")
                case "least":
                    found.append(f"{each.goal.title} at least {each.figure.text(limit)}")
    if goals.max_accuracy_drop is None:
        found.append(f"accuracy at most {points(DEFAULT_DROP)} below the most accurate file, the default")
    return found


def stability_words(
    rows: Sequence[ReportRow], standings: Sequence[Standing], first: int, bounds: Sequence[WeightBounds]
) -> str:
    """Return how sensitive the first place of the weighted sum is to the weights."""
    return " ".join(_stability_parts(rows, standings, first, bounds))


def _stability_parts(
    rows: Sequence[ReportRow], standings: Sequence[Standing], first: int, bounds: Sequence[WeightBounds]
) -> Iterator[str]:
    standing = standings[first]
    yield f"{name(rows[first])} is first under {percent(standing.share_of_weightings, 0)} of all possible weights."
    rival = max(
        (at for at in range(len(rows)) if at != first), key=lambda at: standings[at].share_of_weightings, default=None
    )
    if rival is not None and standings[rival].share_of_weightings > 0:
        share = percent(standings[rival].share_of_weightings, 0)
        yield f"The next is {name(rows[rival])}, with {share}."
    for bound in bounds:
        yield from _bound_words(bound)
    others = [RANKING_TITLES[method] for method, place in standing.places.items() if place != 1]
    yield "All three methods put it first." if not others else f"Not first by {' and '.join(others)}."


def _bound_words(bound: WeightBounds) -> Iterator[str]:
    word = CRITERION_WORDS[bound.criterion]
    now = f"(now {percent(bound.weight, 0)})"
    if bound.below is not None:
        yield f"With less than {percent(bound.low, 0)} of the weight on {word} {now}, {name(bound.below)} is first."
    if bound.above is not None:
        yield f"With more than {percent(bound.high, 0)} of the weight on {word} {now}, {name(bound.above)} is first."


def _rather(purpose: PurposeName, instead: ReportRow, best: ReportRow) -> str:
    merit = "" if purpose == "best_all_round" else f": {_merit(purpose, instead)}, at {percent(instead.accuracy)}"
    first = f"of the files that are not, {name(instead)} is first"
    return f"It is significantly less accurate than {name(best)} ({percent(best.accuracy)}); {first}{merit}."


def _merit(purpose: PurposeName, row: ReportRow) -> str:
    objective = PURPOSE_OBJECTIVES[purpose]
    return f"{objective.goal.title} {_value(objective, row)}"


def _fact(objective: Objective, row: ReportRow) -> str:
    """Return a figure with its name, and what is needed to judge it."""
    title = " ".join(part for part in (objective.figure.split, objective.goal.title) if part)
    fact = f"{title} {_value(objective, row)}"
    if objective.goal.scale == "share":
        value = objective.value(row)
        assert value is not None, "only what is known is told"
        interval = wilson(value, row.images)
        over = row.over_seeds
        if objective.figure.name == "accuracy" and over is not None:
            return (
                f"{title} {percent(over.accuracy_mean)} \N{PLUS-MINUS SIGN} {percent(over.accuracy_std)} over "
                f"{over.seeds} seeds, {percent(value)} in this file"
            )
        return f"{fact} (95 % interval {100 * interval.low:.1f} to {percent(interval.high, 1)})"
    if objective.figure.is_timing:
        return f"{fact} with {row.threads} thread{'' if row.threads == 1 else 's'}"
    return fact


def _value(objective: Objective, row: ReportRow) -> str:
    return objective.figure.text(objective.value(row))


def _against(row: ReportRow, against: Against) -> str:
    """Return a file compared with the reference; empty for the reference itself."""
    reference = against.reference
    if is_same_file(row, reference):
        return ""
    parts = [_accuracy_against(row, reference)]
    for criterion, each in TOLD.items():
        ours, theirs = each.value(row), each.value(reference)
        if each.figure.is_timing:
            parts.extend(_latency_against(row, each, against))
        elif criterion != "accuracy" and ours and theirs:
            gain = ours / theirs if each.figure.direction == "higher" else theirs / ours
            parts.append(_ratio(gain, each.goal.better, each.goal.worse))
    return f"Compared with {name(reference)}: {', '.join(parts)}."


def _latency_against(row: ReportRow, objective: Objective, against: Against) -> Iterator[str]:
    """Yield the latency compared with that of the reference with as many threads, if that was measured."""
    reference = against.with_threads(row.threads)
    if reference is None or objective.value(row) is None:
        return
    if not against.times.differ(row, reference):
        yield "no significant difference in latency"
    elif row.latency_ms.p50:
        yield _ratio(reference.latency_ms.p50 / row.latency_ms.p50, objective.goal.better, objective.goal.worse)


def _accuracy_against(row: ReportRow, reference: ReportRow) -> str:
    found = difference(row, reference)
    if found.points == 0:
        return "the same accuracy"
    mean = " on average over seeds" if found.about == "methods" else ""
    noise = f" ({NOT_SIGNIFICANT})" if found.within_noise else ""
    return f"{points(abs(found.points))} {'less' if found.points > 0 else 'more'} accurate{mean}{noise}"


def _ratio(ratio: float, better: str, worse: str) -> str:
    return f"{times(ratio)} {better}" if ratio >= 1 else f"{times(1 / ratio)} {worse}"


def _ordinal(place: int) -> str:
    if 10 <= place % 100 <= 20:  # noqa: PLR2004  eleventh, twelfth, thirteenth
        return f"{place}th"
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th') }"
