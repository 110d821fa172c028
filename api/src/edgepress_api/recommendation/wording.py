"""A recommendation in sentences: nothing but what its figures show, and the figures with it."""

from collections.abc import Iterator, Sequence
from typing import assert_never

from edgepress_api.recommendation.candidates import difference, name
from edgepress_api.recommendation.document import PurposeName, Standing, WeightBounds
from edgepress_api.recommendation.noise import wilson
from edgepress_api.report.document.rows import ReportRow
from edgepress_api.report.words import milliseconds, percent, points, size, times
from edgepress_common.spec import Criterion, RankingMethod

PURPOSES: dict[PurposeName, str] = {
    "best_all_round": "Best all round",
    "smallest_to_send": "Smallest to send",
    "fastest_to_run": "Fastest to run",
    "most_accurate": "Most accurate",
}
METHODS: dict[RankingMethod, str] = {"weighted_sum": "weighted sum", "topsis": "TOPSIS", "ahp": "AHP"}
CRITERION_WORDS: dict[Criterion, str] = {
    "accuracy": "accuracy",
    "latency": "time",
    "size": "size",
    "zip": "zipped size",
}


def all_round_words(
    rows: Sequence[ReportRow],
    standing: Standing,
    instead: ReportRow | None,
    *,
    best: ReportRow,
    reference: ReportRow,
) -> str:
    """Why the first of the ranking is the first, and what else there is."""
    row, count = rows[0], len(rows)
    ranked = ", ".join(f"{_ordinal(place)} by {METHODS[method]}" for method, place in standing.places.items())
    of = f"Of {count} files that keep the limits, {ranked}" if count > 1 else "The only file that keeps the limits"
    parts = [f"{name(row)}: {facts(row)}. {of}.", _against(row, reference)]
    if instead is not None:
        parts.append(_rather("best_all_round", instead, best))
    return " ".join(part for part in parts if part)


def purpose_words(
    purpose: PurposeName, row: ReportRow, instead: ReportRow | None, *, best: ReportRow, reference: ReportRow
) -> str:
    """Why a file is chosen for a purpose, and what else there is."""
    parts = [f"{name(row)}: {facts(row)}.", _against(row, reference)]
    if instead is not None and purpose == "most_accurate":
        parts.append(
            f"{name(instead)}, {size(instead.zip_bytes)} zipped at {percent(instead.accuracy)}, can't be told from it "
            f"by these {row.images} images."
        )
    elif instead is not None:
        parts.append(_rather(purpose, instead, best))
    return " ".join(part for part in parts if part)


def facts(row: ReportRow) -> str:
    """What was measured, in a line."""
    interval = wilson(row.accuracy, row.images)
    parts = [
        f"accuracy {percent(row.accuracy)} (95 % interval {100 * interval.low:.1f} to {percent(interval.high, 1)})"
    ]
    if not row.emulated:
        threads = f"{row.threads} thread{'' if row.threads == 1 else 's'}"
        parts.append(f"{milliseconds(row.latency_ms.p50)} ms an image with {threads}")
    parts.append(f"{size(row.size_bytes)}, {size(row.zip_bytes)} zipped")
    return ", ".join(parts)


def stability_words(
    rows: Sequence[ReportRow], standings: Sequence[Standing], first: int, bounds: Sequence[WeightBounds]
) -> str:
    """How far the first place of the weighted sum stands."""
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
        yield f"The next, {name(rows[rival])}, is under {share}."
    for bound in bounds:
        yield from _bound_words(bound)
    others = [METHODS[method] for method, place in standing.places.items() if place != 1]
    yield "All three methods put it first." if not others else f"Not first by {' and '.join(others)}."


def _bound_words(bound: WeightBounds) -> Iterator[str]:
    word = CRITERION_WORDS[bound.criterion]
    now = f"(now {percent(bound.weight, 0)})"
    if bound.below is not None:
        yield f"With less than {percent(bound.low, 0)} of the weight on {word} {now}, {name(bound.below)} takes over."
    if bound.above is not None:
        yield f"With more than {percent(bound.high, 0)} of the weight on {word} {now}, {name(bound.above)} takes over."


def _rather(purpose: PurposeName, instead: ReportRow, best: ReportRow) -> str:
    merit = "" if purpose == "best_all_round" else f": {_merit(purpose, instead)}, at {percent(instead.accuracy)}"
    first = f"of those that are not, {name(instead)} comes first"
    return f"It is clearly less accurate than {name(best)} ({percent(best.accuracy)}); {first}{merit}."


def _merit(purpose: PurposeName, row: ReportRow) -> str:
    match purpose:
        case "best_all_round":
            return "first in the ranking"
        case "smallest_to_send":
            return f"{size(row.zip_bytes)} zipped"
        case "fastest_to_run":
            return f"{milliseconds(row.latency_ms.p50)} ms an image"
        case "most_accurate":
            return f"{percent(row.accuracy)} of {row.images} images"
        case _ as unknown:
            assert_never(unknown)


def _against(row: ReportRow, reference: ReportRow) -> str:
    """A file against the reference; nothing where it is that itself."""
    if (row.pipeline, row.export, row.model_sha256) == (reference.pipeline, reference.export, reference.model_sha256):
        return ""
    parts = [_accuracy_against(row, reference)]
    if not row.emulated and row.latency_ms.p50 > 0:
        parts.append(_ratio(reference.latency_ms.p50 / row.latency_ms.p50, "as fast", "as slow"))
    parts.append(_ratio(reference.size_bytes / row.size_bytes, "smaller", "larger"))
    parts.append(_ratio(reference.zip_bytes / row.zip_bytes, "smaller zipped", "larger zipped"))
    return f"Against {name(reference)}: {', '.join(parts)}."


def _accuracy_against(row: ReportRow, reference: ReportRow) -> str:
    drop = reference.accuracy - row.accuracy
    if drop == 0:
        return "the same accuracy"
    found = difference(row, reference)
    noise = ", which may be chance" if found.within_noise else ""
    return f"{points(abs(drop))} {'less' if drop > 0 else 'more'} accurate{noise}"


def _ratio(ratio: float, better: str, worse: str) -> str:
    return f"{times(ratio)} {better}" if ratio >= 1 else f"{times(1 / ratio)} {worse}"


def _ordinal(place: int) -> str:
    if 10 <= place % 100 <= 20:  # noqa: PLR2004  eleventh, twelfth, thirteenth
        return f"{place}th"
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th') }"
