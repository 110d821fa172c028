"""Takes the first of scikit-learn's digits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from edgepress_worker.datasets.decoding import PlainImage
from edgepress_worker.datasets.source import TRAIN, DatasetSource, LabelledSet, Workplace


class FewDigitsSource:
    """Digits below a number."""

    preparation_share = 0.0

    @contextmanager
    def open(self, dataset: Any, workplace: Workplace) -> Iterator[LabelledSet]:  # noqa: ARG002 - a DatasetSource
        """See `DatasetSource.open`."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        chosen = digits.target < dataset.below
        grey = (digits.images[chosen] * 15).astype(np.uint8)
        yield LabelledSet(
            classes=tuple(map(str, range(dataset.below))),
            names=[str(index) for index in range(len(grey))],
            labels=digits.target[chosen].astype(np.int64),
            parts=np.full(len(grey), TRAIN, dtype=np.int8),
            images=(PlainImage("L", (8, 8), image.tobytes()) for image in grey),
        )


SOURCE: DatasetSource[Any] = FewDigitsSource()
