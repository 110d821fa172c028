"""The colorectal tissue data set of Kather et al. 2018."""

from typing import Literal

from pydantic import Field

from edgepress_common.architectures import MAX_IMAGE_SIZE, MIN_IMAGE_SIZE
from edgepress_common.spec.dataset_kind import DatasetKind, SplittableDataset, is_unset

_7K: Literal["CRC-VAL-HE-7K"] = "CRC-VAL-HE-7K"
_FRACTION = 0.2


class NctCrcHeDataset(SplittableDataset):
    """NCT-CRC-HE (Kather et al. 2018, doi:10.5281/zenodo.1214456): 100,000 tiles, and 7,180 of other patients.

    Fields that were added later are left out of dumps while they have their defaults, so that step keys stay stable.
    """

    kind: Literal["nct-crc-he"] = "nct-crc-he"
    training_set: Literal["NCT-CRC-HE-100K", "NCT-CRC-HE-100K-NONORM"] = Field(
        default="NCT-CRC-HE-100K", description="Training tiles, with or without (NONORM) colour normalization."
    )
    image_size: int = Field(
        default=224, ge=MIN_IMAGE_SIZE, le=MAX_IMAGE_SIZE, description="Height and width; the tiles have 224 pixels."
    )
    validation: Literal["CRC-VAL-HE-7K", "split"] = Field(
        default=_7K,
        exclude_if=lambda part: part == _7K,
        description="Images used for validation: CRC-VAL-HE-7K, or with split, validation_fraction of the training "
        "tiles; CRC-VAL-HE-7K is the test split then. The tiles do not name their patients, so that a split of them "
        "has tiles of the same patients on both sides.",
    )
    validation_fraction: float = Field(
        default=_FRACTION,
        gt=0,
        lt=1,
        exclude_if=lambda share: share == _FRACTION,
        description="Share of each class of the training tiles used for validation, if validation is split.",
    )
    split_seed: int = Field(default=0, ge=0, lt=2**32, exclude_if=is_unset, description="Seed of the validation split.")

    @property
    def title(self) -> str:
        """Return the name of the training set."""
        return self.training_set


KIND = DatasetKind(
    kind="nct-crc-he",
    title="NCT-CRC-HE",
    position=50,
    summary="100,000 tiles of colorectal tissue, and 7,180 of other patients to validate or test; downloaded once.",
    parameters=NctCrcHeDataset,
    # The archives have published checksums, which the worker verifies.
    fingerprint=lambda dataset, _roots: dataset.training_set,
)
