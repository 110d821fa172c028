"""The network of a job."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from edgepress_common.architectures import ARCHITECTURES, Weights
from edgepress_common.frozen import Frozen


class Model(Frozen):
    """A network of the catalogue with a classifier for the set's classes on top."""

    architecture: str = Field(description="A name of GET /v1/architectures.")
    weights: Weights = Field(default="none", description="What training starts from.")
    width: float = Field(default=1.0, description="Width multiplier, for the networks that have one.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before the classifier.")

    @field_validator("architecture")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ARCHITECTURES:
            raise ValueError(f"no architecture {name!r}; accepted: {', '.join(sorted(ARCHITECTURES))}")
        return name

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
