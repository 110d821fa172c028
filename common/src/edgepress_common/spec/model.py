"""The network of a job: one of the catalogue, or one that was uploaded.

The field ``architecture`` tells them apart.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from edgepress_common.architectures import ARCHITECTURES, ArchitectureName, Weights
from edgepress_common.artifacts import Sha256
from edgepress_common.frozen import Frozen

PixelRange = Literal["0_to_255", "0_to_1", "minus_1_to_1", "imagenet"]


class Model(Frozen):
    """A network of the catalogue with a classifier for the set's classes on top."""

    architecture: ArchitectureName = Field(description="A name of GET /v1/architectures.")
    weights: Weights = Field(default="none", description="What training starts from.")
    width: float = Field(default=1.0, description="Width multiplier, for the networks that have one.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before the classifier.")

    @model_validator(mode="after")
    def _width_exists(self) -> Self:
        architecture = ARCHITECTURES[self.architecture]
        widths = architecture.imagenet_widths if self.weights == "imagenet" else architecture.widths
        if self.width not in widths:
            raise ValueError(
                f"width {self.width:g} does not exist for {self.architecture} with weights {self.weights!r}; "
                f"accepted: {', '.join(f'{width:g}' for width in widths)}"
            )
        return self


class UploadedModel(Frozen):
    """A Keras model that was posted to ``/v1/models``; training goes on from its weights."""

    architecture: Literal["uploaded"] = "uploaded"
    sha256: Sha256 = Field(description="As answered by the upload.")
    pixels: PixelRange = Field(
        description="What it was trained on. 0_to_255: pixels as they are, also where its own first layer scales them; "
        "0_to_1: divided by 255; minus_1_to_1: divided by 127.5, less 1; imagenet: 0 to 1, less ImageNet's mean, over "
        "its deviation, by channel. A layer that does this is put in front."
    )


Network = Annotated[Model | UploadedModel, Field(discriminator="architecture")]
