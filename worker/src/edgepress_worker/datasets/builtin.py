"""Kind ``builtin``: images that are part of a library, for a first try without a download."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from edgepress_common.spec.dataset_kinds.builtin import BuiltinDataset
from edgepress_worker.datasets.decoding import PlainImage
from edgepress_worker.datasets.source import TRAIN, DatasetSource, LabelledSet, Workplace

_DIGITS_WHITE = 16  # grey levels of scikit-learn's digits go from 0 to 16


class BuiltinSource:
    """The handwritten digits of scikit-learn: 1,797 images, 8x8, ten classes (Alpaydin and Kaynak 1998)."""

    preparation_share = 0.0

    @contextmanager
    def open(self, dataset: BuiltinDataset, workplace: Workplace) -> Iterator[LabelledSet]:  # noqa: ARG002 - a DatasetSource
        """See `DatasetSource.open`."""
        from sklearn.datasets import load_digits  # noqa: PLC0415 - takes a second or two, only needed for this kind

        digits = load_digits()
        grey = np.rint(digits.images * (255 / _DIGITS_WHITE)).astype(np.uint8)
        yield LabelledSet(
            classes=tuple(str(name) for name in digits.target_names),
            names=[f"{dataset.name}[{index}]" for index in range(len(grey))],
            labels=digits.target.astype(np.int64),
            parts=np.full(len(grey), TRAIN, dtype=np.int8),
            images=(PlainImage("L", (image.shape[1], image.shape[0]), image.tobytes()) for image in grey),
        )


SOURCE: DatasetSource[BuiltinDataset] = BuiltinSource()
