"""Precision, recall and F1 of each class, from a confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ClassMetrics:
    """Precision, recall and F1 of a class.

    Attributes:
        name: Name of the class.
        images: Number of its images.
        precision: Share of the images predicted as the class that belong to it, 0 to 1; 0 if there are none.
        recall: Share of the images of the class that are predicted as it, 0 to 1; 0 if there are none.
        f1: Harmonic mean of precision and recall.
        taken_for: The class that its images are most often confused with; None if all are correct.
        taken_count: Number of images that are confused with it.
    """

    name: str
    images: int
    precision: float
    recall: float
    f1: float
    taken_for: str | None
    taken_count: int


def class_metrics(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> tuple[ClassMetrics, ...]:
    """Return the metrics of each class.

    Args:
        confusion: ``confusion[true][predicted]``, counts.
        classes: Class names, in the same order.
    """
    said = [sum(column) for column in zip(*confusion, strict=True)]
    found = []
    for at, (name, counts) in enumerate(zip(classes, confusion, strict=True)):
        hits, images = counts[at], sum(counts)
        wrong = {other: count for other, count in enumerate(counts) if other != at and count}
        most = max(wrong, key=lambda other: wrong[other], default=None)
        found.append(
            ClassMetrics(
                name=name,
                images=images,
                precision=hits / said[at] if said[at] else 0.0,
                recall=hits / images if images else 0.0,
                f1=2 * hits / (said[at] + images) if said[at] + images else 0.0,
                taken_for=None if most is None else classes[most],
                taken_count=0 if most is None else wrong[most],
            )
        )
    return tuple(found)
