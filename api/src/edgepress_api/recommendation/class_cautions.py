"""Caveats about classes: those that every file recognises poorly, and files that never answer some."""

from collections.abc import Iterator, Sequence

from edgepress_api.recommendation.candidates import name
from edgepress_api.recommendation.usefulness import answered_classes, class_name, uselessness
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.formats import percent

_LOW_RECALL = 0.5  # more images of the class are missed than found
_LARGE_GAP = 0.1  # accuracy minus balanced accuracy


def find_class_cautions(files: Sequence[ReportRow], classes: Sequence[str]) -> Iterator[str]:
    """Yield the caveats.

    Args:
        files: The files of a device.
        classes: Names of the classes.
    """
    useful = []
    for row in files:
        why = uselessness(row, classes)
        if why is None:
            useful.append(row)
        else:
            yield f"{name(row)} {why}. It is not recommended."
    if useful:
        yield from _low_recall(useful, classes)
        yield from _imbalance(useful)
        yield from _never_answered(useful, classes)


def _low_recall(files: Sequence[ReportRow], classes: Sequence[str]) -> Iterator[str]:
    for at, counts in enumerate(files[0].confusion):
        images = sum(counts)
        recalls = [row.confusion[at][at] / images for row in files if images and len(row.confusion) > at]
        if recalls and max(recalls) < _LOW_RECALL:
            low, high = min(recalls), max(recalls)
            span = percent(high, 1) if low == high else f"{100 * low:.1f} to {percent(high, 1)}"
            yield (
                f"No file recognises {class_name(at, classes)} reliably: {span} of its {images} validation "
                "images are found. A limit on the recall of the worst class (min_worst_class_recall) or "
                "training.class_weights: balanced would show or change that."
            )


def _imbalance(files: Sequence[ReportRow]) -> Iterator[str]:
    best = max(files, key=lambda row: row.accuracy)
    if best.accuracy - best.recall > _LARGE_GAP:
        yield (
            f"The accuracy of {name(best)}, {percent(best.accuracy)}, is mainly that of the frequent classes: its "
            f"balanced accuracy, each class weighing the same, is {percent(best.recall)}."
        )


def _never_answered(files: Sequence[ReportRow], classes: Sequence[str]) -> Iterator[str]:
    for row in files:
        answered = set(answered_classes(row))
        never = [at for at, counts in enumerate(row.confusion) if sum(counts) and at not in answered]
        if never:
            yield f"{name(row)} never answers {', '.join(class_name(at, classes) for at in never)}."
