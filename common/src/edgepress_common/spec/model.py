"""The network of a job: an architecture of the catalogue or an uploaded model.

The field ``architecture`` distinguishes them.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from edgepress_common.architectures import ARCHITECTURES, ArchitectureName, InitialWeights
from edgepress_common.artifacts import Sha256
from edgepress_common.frozen import Frozen

PixelRange = Literal["0_to_255", "0_to_1", "minus_1_to_1", "imagenet"]


class Model(Frozen):
    """An architecture of the catalogue, with a classifier for the classes of the data set."""

    architecture: ArchitectureName = Field(description="Name of an architecture (GET /v1/architectures).")
    weights: InitialWeights = Field(default="none", description="Initial weights.")
    width: float = Field(default=1.0, description="Width multiplier, for the architectures that support it.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout rate before the classifier.")

    @model_validator(mode="after")
    def _width_exists(self) -> Self:
        architecture = ARCHITECTURES[self.architecture]
        widths = architecture.imagenet_widths if self.weights == "imagenet" else architecture.widths
        if not widths:
            raise ValueError(f"weights {self.weights!r} do not exist for {self.architecture}; accepted: none")
        if self.width not in widths:
            raise ValueError(
                f"width {self.width:g} does not exist for {self.architecture} with weights {self.weights!r}; "
                f"accepted: {', '.join(f'{width:g}' for width in widths)}"
            )
        return self

    @property
    def title(self) -> str:
        """Return a description with all values that are not the default: ``mobilenet_v2 0.5 from imagenet``."""
        width = "" if self.width == 1 else f" {self.width:g}"
        weights = "" if self.weights == "none" else f" from {self.weights}"
        return f"{self.architecture}{width}{weights}"


class UploadedModel(Frozen):
    """A Keras model that was uploaded to ``/v1/models``. Training continues from its weights."""

    architecture: Literal["uploaded"] = "uploaded"
    sha256: Sha256 = Field(description="SHA-256 that the upload returned.")
    pixels: PixelRange = Field(
        description="Pixel range that the model was trained with. 0_to_255: not scaled, or scaled by the model's first "
        "layer; 0_to_1: divided by 255; minus_1_to_1: divided by 127.5, minus 1; imagenet: 0 to 1, minus ImageNet's "
        "mean, divided by its standard deviation, by channel. Edgepress adds the corresponding layer.",
    )

    @property
    def title(self) -> str:
        """Return a short description with the beginning of the model's SHA-256."""
        return f"the uploaded {self.sha256[:12]}"


Network = Annotated[Model | UploadedModel, Field(discriminator="architecture")]
