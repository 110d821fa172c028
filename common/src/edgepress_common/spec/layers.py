"""Which layers of a network a stage compresses."""

from typing import Annotated

from pydantic import Field, StringConstraints

from edgepress_common.frozen import Frozen

LayerPattern = Annotated[
    str,
    StringConstraints(
        pattern=r"^(first|last|kind:(conv2d|depthwise_conv2d|dense)|name:[A-Za-z0-9_.*?\[\]!/-]{1,128})$"
    ),
]
"""``first`` or ``last`` (in the order data flows), ``kind:conv2d``, ``kind:depthwise_conv2d`` or ``kind:dense``, or
``name:`` and a shell pattern, as in ``name:stage4_*``."""


class LayerSelection(Frozen):
    """Layers with weights to compress: those included, less those excluded.

    Biases and normalizations are never compressed. What a method can't do (clustering depthwise convolutions, say) is
    left out beforehand, see the method's limits.
    """

    include: tuple[LayerPattern, ...] = Field(
        default=("name:*",),
        min_length=1,
        max_length=100,
        description="first, last, kind:conv2d, kind:depthwise_conv2d, kind:dense, or name: and a shell pattern "
        "(name:stage4_*). A pattern that fits no layer fails the stage, with the names there are.",
    )
    exclude: tuple[LayerPattern, ...] = Field(
        default=(), max_length=100, description="Likewise; takes out what include took in."
    )
