"""CIFAR-10, photographs of ten classes of things and animals."""

from typing import Literal

from pydantic import Field

from edgepress_common.architectures import MAX_IMAGE_SIZE, MIN_IMAGE_SIZE
from edgepress_common.spec.dataset_kind import DatasetKind, SplittableDataset


class Cifar10Dataset(SplittableDataset):
    """CIFAR-10 (Krizhevsky 2009): 50,000 photographs to train and validate, 10,000 to test; 32x32, ten classes."""

    kind: Literal["cifar10"] = "cifar10"
    image_size: int = Field(
        default=32, ge=MIN_IMAGE_SIZE, le=MAX_IMAGE_SIZE, description="Height and width; the images have 32 pixels."
    )


KIND = DatasetKind(
    kind="cifar10",
    title="CIFAR-10",
    position=45,
    summary="50,000 photographs of ten classes to train and validate, and 10,000 to test; downloaded once.",
    parameters=Cifar10Dataset,
    # The archive has a published checksum, which the worker verifies.
    fingerprint=lambda dataset, _roots: dataset.kind,
)
