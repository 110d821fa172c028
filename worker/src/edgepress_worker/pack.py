"""A packed data set, mapped into memory: pages are read from disk on access and can be evicted again."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult


@dataclass(frozen=True)
class LabelledImages:
    """One split of a data set.

    Attributes:
        images: uint8 ``(n, side, side, 3)``, RGB; a read-only memory map if it comes from a pack.
        labels: int64 ``(n,)``, indices into the classes.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    @classmethod
    def open(cls, outputs: Outputs, split: Literal["train", "validation", "test"], store: ArtifactStore) -> Self:
        """Map the arrays of a split, which are artifacts of a pack step."""
        images, labels = (
            np.load(store.local_path(outputs[f"{split}_{name}"].sha256), mmap_mode="r") for name in ("images", "labels")
        )
        return cls(images, labels)


@dataclass(frozen=True)
class Pack:
    """A data set at one image size, as stages and exports see it: they have no access to the test split.

    Attributes:
        classes: Class names, in the order of the labels.
        train: Training split.
        validation: Validation split.
    """

    classes: tuple[str, ...]
    train: LabelledImages
    validation: LabelledImages

    @classmethod
    def open(cls, outputs: Outputs, result: PackResult, store: ArtifactStore) -> Self:
        """Map the arrays of a pack step's artifacts."""
        return cls(
            classes=result.classes,
            train=LabelledImages.open(outputs, "train", store),
            validation=LabelledImages.open(outputs, "validation", store),
        )
