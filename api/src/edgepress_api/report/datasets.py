"""The data set of a report, from the result of its pack."""

from edgepress_common.answers.report import DatasetSummary
from edgepress_common.results import PackResult
from edgepress_common.spec import Dataset


def dataset_summary(dataset: Dataset, pack: PackResult) -> DatasetSummary:
    """Return the summary of a packed data set.

    Args:
        dataset: The data set as in the spec.
        pack: The result of packing it.
    """
    return DatasetSummary(
        kind=dataset.kind,
        image_size=dataset.image_size,
        classes=pack.classes,
        train_counts=pack.train_counts,
        validation_counts=pack.validation_counts,
        unreadable_count=pack.unreadable_count,
        unreadable=pack.unreadable,
        test_counts=pack.test_counts,
        ignored_count=pack.ignored_count,
        ignored=pack.ignored,
        grey_bits=pack.grey_bits,
        twins=pack.twins,
        cautions=pack.cautions,
        statistics=pack.statistics,
    )
