"""Declaration of a kind of data set, and the parameters that all kinds have in common.

To add a kind, write its declaration in `edgepress_common.spec.dataset_kinds` and its source in
``edgepress_worker.datasets``, each a file named after the kind (with ``_`` for ``-``).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from edgepress_common.architectures import MAX_IMAGE_SIZE, MIN_IMAGE_SIZE
from edgepress_common.frozen import Frozen
from edgepress_common.registry import Descriptor

Fingerprint = Callable[[Any, Sequence[Path]], str]


def is_unset(value: object) -> bool:
    """Return whether an optional value is unset. Unset values are omitted from dumps, so that step keys stay stable."""
    return not value


class DatasetParameters(Frozen):
    """The parameters of a data set. Subclasses define the value of ``kind``."""

    kind: str
    image_size: int = Field(
        ge=MIN_IMAGE_SIZE, le=MAX_IMAGE_SIZE, description="Height and width that images are resized to, in pixels."
    )
    max_unreadable_share: float = Field(
        default=0.01, ge=0, le=1, description="Maximum share of unreadable images; with more, the job fails."
    )

    @property
    def title(self) -> str:
        """Return a short name by which jobs with this data set are found."""
        return self.kind


class SplittableDataset(DatasetParameters):
    """The parameters of a data set that may lack a validation or test part."""

    validation_fraction: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="Share of each class used for validation, if the data set has no validation part.",
    )
    split_seed: int = Field(default=0, ge=0, lt=2**32, description="Seed of the validation split.")
    test_fraction: float = Field(
        default=0,
        ge=0,
        lt=1,
        exclude_if=is_unset,
        description="Share of each class used as the test part, if the data set has none; 0 for no test part. The test "
        "images do not depend on split_seed and are not used for training, calibration or selection.",
    )

    @model_validator(mode="after")
    def _leaves_images_to_train_on(self) -> Self:
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                f"validation_fraction and test_fraction are {self.validation_fraction:g} and {self.test_fraction:g}; "
                "accepted: less than 1 together"
            )
        return self


class DatasetKind(Descriptor):
    """A kind of data set.

    Attributes:
        parameters: Model of its parameters.
        fingerprint: Function that returns a digest of the content: equal digests mean equal images. Its arguments are
            the parameters and the folders that may contain data sets. Each file is read once, and its digest is cached.
            Raises `InvalidSpecError` if the data set does not exist or is not of this kind.
    """

    parameters: type[DatasetParameters]
    fingerprint: Fingerprint
