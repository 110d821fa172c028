"""What every kind of data set comes down to, and the protocol by which it is got."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import InvalidInputError
from edgepress_common.spec.dataset import Dataset
from edgepress_worker.datasets.decoding import EncodedImage
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.run import Environment

DatasetT_contra = TypeVar("DatasetT_contra", bound=Dataset, contravariant=True)


@dataclass(frozen=True)
class LabelledSet:
    """Images with their labels, before decoding. All sequences have one entry for each image, in the same order.

    Attributes:
        classes: Names, in the order of the labels.
        names: What to call each image: unique, and the same whenever and wherever the set is read.
        labels: int64 ``(n,)``, indices into the classes.
        validates: bool ``(n,)``, whether an image is for validation; None if the set brings no split.
        images: The images themselves. Gone through once; may be read from a stream meanwhile.
    """

    classes: tuple[str, ...]
    names: Sequence[str]
    labels: npt.NDArray[np.int64]
    validates: npt.NDArray[np.bool_] | None
    images: Iterable[EncodedImage]


@dataclass(frozen=True)
class Workplace:
    """What a source may use.

    Attributes:
        environment: The worker's machine.
        store: Where uploads are.
        folder: An empty folder for temporary files, removed with all it holds when packing ends.
        meter: Of the time before the first image is read.
        fingerprint: Digest of what a set on the server held when its job was accepted; None not to look.
    """

    environment: Environment
    store: ArtifactStore
    folder: Path
    meter: Meter
    fingerprint: str | None = None

    def check_unchanged(self, path: str, fingerprint: str) -> None:
        """Holds a set on the server against what it was: its steps are shared by jobs that want the same images.

        Raises:
            InvalidInputError: It has changed.
        """
        if self.fingerprint not in {None, fingerprint}:
            raise InvalidInputError(f"{path} has changed since the job was accepted; post the job again")


class Source(Protocol[DatasetT_contra]):
    """One kind of data set."""

    @property
    def preparation_share(self) -> float:
        """Share of a packing's time, 0 to 1, that may pass before the first image can be read."""
        ...

    def open(self, dataset: DatasetT_contra, workplace: Workplace) -> AbstractContextManager[LabelledSet]:
        """Finds the images. They can be read until the context ends.

        Raises:
            EdgepressError: The set can't be had, or isn't what its kind says; see `pack_dataset`.
        """
        ...
