"""A packed data set, mapped into memory: pages come from disk as they are touched, and can be dropped again."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult


@dataclass(frozen=True)
class LabelledImages:
    """One part of a set.

    Attributes:
        images: uint8 ``(n, side, side, 3)``, RGB; a read-only map of a file where it comes from a pack.
        labels: int64 ``(n,)``, indices into the set's classes.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)


@dataclass(frozen=True)
class Pack:
    """A data set at one image size.

    Attributes:
        classes: Names, in the order of the labels.
        train: What is trained on.
        validation: What is validated on.
    """

    classes: tuple[str, ...]
    train: LabelledImages
    validation: LabelledImages

    @classmethod
    def open(cls, outputs: Outputs, result: PackResult, store: ArtifactStore) -> Self:
        """Maps the arrays of a pack step's artifacts."""
        arrays = {
            name: np.load(store.local_path(reference.sha256), mmap_mode="r") for name, reference in outputs.items()
        }
        return cls(
            classes=result.classes,
            train=LabelledImages(arrays["train_images"], arrays["train_labels"]),
            validation=LabelledImages(arrays["validation_images"], arrays["validation_labels"]),
        )
