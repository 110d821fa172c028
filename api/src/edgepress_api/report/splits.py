"""The splits that a row is measured on."""

from collections.abc import Iterator
from dataclasses import dataclass

from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.figure import Split


@dataclass(frozen=True)
class MeasuredSplit:
    """How a row's file classifies a split.

    Attributes:
        name: Name of the split.
        images: Number of images.
        accuracy: Share of the images that are classified correctly, 0 to 1.
        confusion: ``confusion[true][predicted]``, counts, in the order of the data set's classes.
    """

    name: Split
    images: int
    accuracy: float
    confusion: tuple[tuple[int, ...], ...]


def measured_splits(row: ReportRow) -> Iterator[MeasuredSplit]:
    """Yield the validation split, and the test split if it is measured."""
    yield MeasuredSplit("validation", row.images, row.accuracy, row.confusion)
    if row.test_confusion is not None and row.test_images is not None and row.test_accuracy is not None:
        yield MeasuredSplit("test", row.test_images, row.test_accuracy, row.test_confusion)
