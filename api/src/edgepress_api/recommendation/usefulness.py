"""Files that are never recommended, under any goals.

- A file that answers one class for every image.
- A file that does not beat answering the most frequent class: its accuracy is not significantly above the share of
  that class, and its balanced accuracy is less than a tenth of the way from chance, 1 / classes, to 1. An accuracy
  alone does not tell, because a network that recognises rare classes may have a lower one.
- Without a limit in the goals: a file that is significantly less accurate than the most accurate useful one, by more
  than five points. It is compared with the best, not with the baseline, because a baseline may be poor itself.
"""

from collections.abc import Iterator, Sequence

from edgepress_api.recommendation.candidates import accuracy_of, difference, name
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.formats import percent, points
from edgepress_common.significance import wilson
from edgepress_common.spec import Goals

DEFAULT_DROP = 0.05
_LEAST_SKILL = 0.1
_ROUNDING = 1e-9


def class_name(at: int, classes: Sequence[str]) -> str:
    """Return the name of a class in a sentence; its number, from 1, where names are not known."""
    return f"“{classes[at]}”" if at < len(classes) else f"class {at + 1}"


def answered_classes(row: ReportRow) -> list[int]:
    """Return the classes that a file answers for at least one image, by position."""
    return [at for at, column in enumerate(zip(*row.confusion, strict=True)) if sum(column)]


def uselessness(row: ReportRow, classes: Sequence[str]) -> str | None:
    """Return why a file is useless, as a clause about it; None if it is not."""
    counts = [sum(line) for line in row.confusion]
    if len(counts) < 2:  # noqa: PLR2004 - one class can't be confused
        return None
    answered = answered_classes(row)
    if len(answered) == 1:
        return f"answers {class_name(answered[0], classes)} for every image"
    frequent = max(range(len(counts)), key=counts.__getitem__)
    share = counts[frequent] / sum(counts)
    chance = 1 / len(counts)
    skill = (row.recall - chance) / (1 - chance)
    if wilson(row.accuracy, row.images).low <= share and skill < _LEAST_SKILL:
        return (
            f"does not beat answering {class_name(frequent, classes)} for every image ({percent(share)}): its accuracy "
            f"is {percent(row.accuracy)}"
        )
    return None


def best_useful(rows: Sequence[ReportRow]) -> ReportRow | None:
    """Return the most accurate file that is not useless; None if all are."""
    return max((row for row in rows if uselessness(row, ()) is None), key=accuracy_of, default=None)


def default_misses(row: ReportRow, best: ReportRow | None, goals: Goals, classes: Sequence[str]) -> Iterator[str]:
    """Yield why a file is not recommended under any goals, in words; see the module.

    Args:
        row: The file.
        best: The most accurate useful file; None without one.
        goals: The goals, whose limit of lost accuracy replaces the default.
        classes: Names of the classes.
    """
    why = uselessness(row, classes)
    if why is not None:
        yield why
    elif best is not None and goals.max_accuracy_drop is None:
        lost = accuracy_of(best) - accuracy_of(row)
        if lost > DEFAULT_DROP + _ROUNDING and not difference(row, best).within_noise:
            yield f"accuracy {points(lost)} below {name(best)} (default limit {points(DEFAULT_DROP)})"
