"""The recommendation for a device in three short sentences: which file, what it gives up, and what it wins.

What it gives up and wins is against the reference, in the criteria that count by default.
"""

from collections.abc import Iterator

from edgepress_api.recommendation.candidates import accuracy_of, difference, is_same_file, name
from edgepress_api.recommendation.wording import Against
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.formats import percent, points, times
from edgepress_common.figures.objectives import TOLD, Objective
from edgepress_common.recommendation_words import NOT_SIGNIFICANT


def summary_words(row: ReportRow, count: int, against: Against) -> tuple[str, ...]:
    """Return the sentences.

    Args:
        row: The recommended file.
        count: Number of files that keep the limits.
        against: The reference.
    """
    place = f"the first of {count} files within the limits" if count > 1 else "the only file within the limits"
    which = f"Ship {name(row)}, {place}."
    reference = against.reference
    if is_same_file(row, reference):
        others = "Smaller or faster files are ranked after it." if count > 1 else "There is no other file to choose."
        return (which, "It is the file that the others are compared with: it gives up nothing.", others)
    lost, won = _accuracy(row, reference)
    for objective in _counting():
        ratio = _gain(row, objective, against)
        if ratio is not None and ratio != 1:
            (won if ratio > 1 else lost).append(_ratio_words(ratio, objective))
    noise = [
        f"its {objective.goal.title} does not differ significantly"
        for objective in _counting()
        if objective.figure.is_timing and _is_tied(row, against)
    ]
    return (
        which,
        f"Compared with {name(reference)}, it {_listed(lost or ['gives up nothing'])}.",
        f"It {_listed(won or ['wins nothing'])}{''.join(f'; {each}' for each in noise)}.",
    )


def _counting() -> Iterator[Objective]:
    return (each for each in TOLD.values() if each.goal.weight and each.figure.name != "accuracy")


def _accuracy(row: ReportRow, reference: ReportRow) -> tuple[list[str], list[str]]:
    """Return what it loses and wins in accuracy."""
    found = difference(row, reference)
    shown = f"{percent(accuracy_of(row))} instead of {percent(accuracy_of(reference))}"
    noise = f", {NOT_SIGNIFICANT}" if found.within_noise else ""
    if found.points > 0:
        return [f"is {points(found.points)} less accurate ({shown}{noise})"], []
    if found.points < 0:
        return [], [f"is {points(-found.points)} more accurate ({shown}{noise})"]
    return [], []


def _gain(row: ReportRow, objective: Objective, against: Against) -> float | None:
    """Return how many times better a file is than the reference; None if unknown or not significant."""
    if objective.figure.is_timing:
        reference = against.with_threads(row.threads)
        if reference is None or objective.value(row) is None or not against.times.differ(row, reference):
            return None
        return reference.latency_ms.p50 / row.latency_ms.p50 if row.latency_ms.p50 else None
    ours, theirs = objective.value(row), objective.value(against.reference)
    if not ours or not theirs:
        return None
    return ours / theirs if objective.figure.direction == "higher" else theirs / ours


def _is_tied(row: ReportRow, against: Against) -> bool:
    reference = against.with_threads(row.threads)
    return reference is not None and not row.emulated and not against.times.differ(row, reference)


def _ratio_words(ratio: float, objective: Objective) -> str:
    goal = objective.goal
    return f"is {times(ratio)} {goal.better}" if ratio > 1 else f"is {times(1 / ratio)} {goal.worse}"


def _listed(clauses: list[str]) -> str:
    """Join clauses that begin with the same verb: ``is 4x smaller, 5x faster and ...``."""
    first, *rest = clauses
    others = [clause.removeprefix("is ") for clause in rest]
    if not others:
        return first
    return ", ".join([first, *others[:-1]]) + f" and {others[-1]}"
