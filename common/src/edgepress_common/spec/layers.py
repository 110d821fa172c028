"""Selection of the layers that a stage compresses."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from edgepress_common.frozen import Frozen

LayerPattern = Annotated[
    str,
    StringConstraints(
        pattern=r"^(first|last|kind:(conv2d|depthwise_conv2d|dense)|name:[A-Za-z0-9_.*?\[\]!/-]{1,128})$"
    ),
    Field(
        description="first or last, in the order of the data flow; kind:conv2d, kind:depthwise_conv2d, kind:dense; or "
        "name: and a shell pattern, such as name:stage4_*."
    ),
]


class LayerSelection(Frozen):
    """The layers with weights to compress: those that include matches, minus those that exclude matches.

    Biases and normalizations are never compressed. Layers that a method does not support (such as depthwise
    convolutions for clustering) are never selected; see the limits of the method.
    """

    include: tuple[LayerPattern, ...] = Field(
        default=("name:*",),
        min_length=1,
        max_length=100,
        description="Patterns of the layers to compress. A pattern that matches no layer fails the stage; the message "
        "lists the available names.",
    )
    exclude: tuple[LayerPattern, ...] = Field(
        default=(), max_length=100, description="Patterns of layers that include matches but that are not compressed."
    )

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if set(self.include) <= set(self.exclude):
            raise ValueError(
                f"exclude removes everything that include selects: {', '.join(self.include)}; "
                "accepted: an exclude that leaves at least one pattern of include"
            )
        return self
