"""Precision, recall and F1 of each class, from a row's confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_api.report.document import ReportRow


@dataclass(frozen=True)
class ClassMetrics:
    """How well a file tells one class from the others.

    Attributes:
        name: The class.
        images: Of it.
        precision: Of what is said to be it, the share that is; 0 where nothing is.
        recall: Of its images, the share that is said to be it; 0 where there are none.
        f1: Harmonic mean of both.
        taken_for: The class that its images are most often taken for; None where none is.
        taken_count: How many are.
    """

    name: str
    images: int
    precision: float
    recall: float
    f1: float
    taken_for: str | None
    taken_count: int


def class_metrics(row: ReportRow, classes: Sequence[str]) -> tuple[ClassMetrics, ...]:
    """A line for each class."""
    said = [sum(column) for column in zip(*row.confusion, strict=True)]
    found = []
    for at, (name, counts) in enumerate(zip(classes, row.confusion, strict=True)):
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
