"""The labelled image set of a job, by where it comes from."""

from typing import Annotated, Literal

from pydantic import Field

from edgepress_common.architectures import MAX_IMAGE_SIZE
from edgepress_common.artifacts import Sha256
from edgepress_common.frozen import Frozen


class _DatasetBase(Frozen):
    image_size: int = Field(ge=8, le=MAX_IMAGE_SIZE, description="Side in pixels that every image is resized to.")
    max_unreadable_share: float = Field(
        default=0.01, ge=0, le=1, description="The job fails when more than this share of the images can't be read."
    )


class _Splittable(_DatasetBase):
    validation_fraction: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="Share of each class kept for validation, where the set brings no split of its own.",
    )
    split_seed: int = Field(default=0, ge=0, lt=2**32, description="Seed of that split.")


class BuiltinDataset(_Splittable):
    """A small real set that needs no download: ``digits``, 1,797 handwritten digits, 8x8, from scikit-learn."""

    kind: Literal["builtin"] = "builtin"
    name: Literal["digits"] = "digits"


class FolderDataset(_Splittable):
    """Class folders on the server: ``path/<class>/*``, or with ``train/`` and ``validation/`` between."""

    kind: Literal["folder"] = "folder"
    path: str = Field(min_length=1, max_length=4096, description="Folder on the server, under an allowed root.")


class NpzDataset(_Splittable):
    """One ``.npz`` in the layout of MedMNIST: ``train_images``, ``train_labels``, ``val_images``, ``val_labels``."""

    kind: Literal["npz"] = "npz"
    path: str = Field(min_length=1, max_length=4096, description="File on the server, under an allowed root.")
    validation: Literal["val", "test"] = Field(default="val", description="Which part of the file validates.")


class UploadDataset(_Splittable):
    """A zip or tar of class folders that was posted to ``/v1/datasets``."""

    kind: Literal["upload"] = "upload"
    sha256: Sha256 = Field(description="As answered by the upload.")


class NctCrcHeDataset(_DatasetBase):
    """NCT-CRC-HE (Kather et al. 2018, doi:10.5281/zenodo.1214456): 100,000 tiles train, CRC-VAL-HE-7K validates."""

    kind: Literal["nct-crc-he"] = "nct-crc-he"
    training_set: Literal["NCT-CRC-HE-100K", "NCT-CRC-HE-100K-NONORM"] = "NCT-CRC-HE-100K"
    image_size: int = Field(default=224, ge=8, le=MAX_IMAGE_SIZE, description="The tiles are 224 pixels wide.")


Dataset = Annotated[
    BuiltinDataset | FolderDataset | NpzDataset | UploadDataset | NctCrcHeDataset, Field(discriminator="kind")
]
