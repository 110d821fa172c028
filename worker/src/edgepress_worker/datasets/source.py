"""The common form of all data sets, and the protocol of their sources."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import InvalidInputError
from edgepress_common.results import UnreadableImage
from edgepress_common.spec.dataset_kinds import Dataset
from edgepress_worker.datasets.decoding import EncodedImage
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.environment import Environment

DatasetT_contra = TypeVar("DatasetT_contra", bound=Dataset, contravariant=True)

TRAIN, VALIDATION, TEST = range(3)  # values of `LabelledSet.parts`


@dataclass(frozen=True)
class LabelledSet:
    """Images with their labels, before decoding. All sequences have one entry per image, in the same order.

    Attributes:
        classes: Class names, in the order of the labels.
        names: Name of each image: unique, and equal whenever and wherever the data set is read.
        labels: int64 ``(n,)``, indices into the classes.
        parts: int8 ``(n,)``, `TRAIN`, `VALIDATION` or `TEST`; all `TRAIN` if the data set has no parts.
        images: The images, iterated once; they may be read from a stream during the iteration.
        groups: Group of each image (a patient, a slide), which is kept in one part; None if unknown.
        unusable: Files that are known to be unreadable without opening them.
        ignored: Files that are not images of a class.
        cautions: Caveats about how the data set was read.
        fingerprint_of: Function that returns the digest of the content from the SHA-256 of each image's encoded
            content; None if the source has verified the content already.
    """

    classes: tuple[str, ...]
    names: Sequence[str]
    labels: npt.NDArray[np.int64]
    parts: npt.NDArray[np.int8]
    images: Iterable[EncodedImage]
    groups: Sequence[str] | None = None
    unusable: tuple[UnreadableImage, ...] = ()
    ignored: tuple[UnreadableImage, ...] = ()
    cautions: tuple[str, ...] = ()
    fingerprint_of: Callable[[Sequence[str]], str] | None = None


@dataclass(frozen=True)
class Workplace:
    """Resources of a source.

    Attributes:
        environment: Environment of the worker.
        store: Store that contains uploads.
        folder: Empty folder for temporary files; it is removed when packing ends.
        meter: Meter for the time before the first image is read.
        fingerprint: Digest of the data set's content when the job was accepted; None to skip the comparison.
    """

    environment: Environment
    store: ArtifactStore
    folder: Path
    meter: Meter
    fingerprint: str | None = None

    def check_unchanged(self, what: str, fingerprint: str) -> None:
        """Check that a data set has not changed: its steps are shared by jobs that need the same images.

        Raises:
            InvalidInputError: The data set has changed.
        """
        if self.fingerprint not in {None, fingerprint}:
            raise InvalidInputError(f"{what} has changed since the job was accepted; post the job again")


class DatasetSource(Protocol[DatasetT_contra]):
    """The source of one kind of data set."""

    @property
    def preparation_share(self) -> float:
        """Share of the packing time, 0 to 1, before the first image can be read."""
        ...

    def open(self, dataset: DatasetT_contra, workplace: Workplace) -> AbstractContextManager[LabelledSet]:
        """Find the images, which can be read until the context ends.

        Raises:
            EdgepressError: The data set is unavailable, or not of this kind; see `pack_dataset`.
        """
        ...
