"""Which layers of a network a stage compresses."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from edgepress_common.frozen import Frozen

LayerPattern = Annotated[
    str,
    StringConstraints(
        pattern=r"^(first|last|kind:(conv2d|depthwise_conv2d|dense)|name:[A-Za-z0-9_.*?\[\]!/-]{1,128})$"
    ),
    Field(
        description="first or last, in the order data flows; kind:conv2d, kind:depthwise_conv2d, kind:dense; or name: "
        "and a shell pattern, as in name:stage4_*."
    ),
]


class LayerSelection(Frozen):
    """Layers with weights to compress: those included, less those excluded.

    Biases and normalizations are never compressed. What a method can't do (clustering depthwise convolutions, say) is
    left out beforehand, see the method's limits.
    """

    include: tuple[LayerPattern, ...] = Field(
        default=("name:*",),
        min_length=1,
        max_length=100,
        description="Patterns for the layers to compress. One that fits no layer fails the stage, with the names that "
        "there are.",
    )
    exclude: tuple[LayerPattern, ...] = Field(
        default=(), max_length=100, description="Likewise for those that include takes in and that are to be left out."
    )

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if set(self.include) <= set(self.exclude):
            raise ValueError(
                f"exclude takes out all that include takes in: {', '.join(self.include)}; "
                "accepted: an exclude that leaves something"
            )
        return self
