"""The blocks of a network: parts with one input and one output, whose rounding errors are judged together.

1. A tensor that everything flows through, such as the input or the output of a residual unit, ends a part.
2. Layers without weights belong to the next part with weights, a ReLU to the one before it.
3. Convolution, depthwise convolution and convolution in a row are one block, as in an inverted residual; the first may
   belong to another block already.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import MULTIPLYING_LAYERS, Layer, calls


@dataclass(frozen=True)
class Block:
    """A part of a network.

    Attributes:
        source: Name of the layer whose output enters the block.
        layers: Its layers in the order of the data flow; the last one returns its output.
        branches: Whether the data flow branches within.
    """

    source: str
    layers: tuple[Layer, ...]
    branches: bool

    @property
    def end(self) -> str:
        """Name of the layer whose output is that of the block."""
        return str(self.layers[-1].name)

    @property
    def kernels(self) -> tuple[Layer, ...]:
        """Its convolutions and dense layers."""
        return tuple(layer for layer in self.layers if isinstance(layer, MULTIPLYING_LAYERS))

    def with_next(self, other: "Block") -> "Block":
        """Return the block of this part and the one after it."""
        return Block(self.source, (*self.layers, *other.layers), self.branches or other.branches)


def blocks_of(network: keras.Model) -> list[Block]:
    """Return the blocks of a functional network, in the order of the data flow.

    Layers after the last convolution or dense layer are in no block.
    """
    with_weights: list[Block] = []
    for part in _parts(network):
        if with_weights and (not with_weights[-1].kernels or _is_relu(part)):
            part = with_weights.pop().with_next(part)  # noqa: PLW2901 - the part grows
        with_weights.append(part)
    blocks: list[Block] = []
    for part in with_weights:
        if blocks and _shares_block(blocks[-1], part):
            part = blocks.pop().with_next(part)  # noqa: PLW2901 - the part grows
        blocks.append(part)
    return [block for block in blocks if block.kernels]


def _parts(network: keras.Model) -> Iterator[Block]:
    """Yield the parts between tensors that everything flows through."""
    flow = calls(network)
    last_use = {number: call.output for call in flow for number in call.inputs}
    times = {call.layer.name: 0 for call in flow}
    for call in flow:
        times[call.layer.name] += 1
    begin, needed_until = 0, 0
    for call in flow[1:]:
        needed_until = max(needed_until, last_use[call.output - 1])
        if needed_until <= call.output and times[call.layer.name] == 1:
            layers = tuple(each.layer for each in flow[begin + 1 : call.output + 1])
            yield Block(flow[begin].layer.name, layers, branches=len(layers) > 1)
            begin = call.output


def _is_relu(part: Block) -> bool:
    layer = part.layers[0]
    is_relu = isinstance(layer, keras.layers.ReLU) or getattr(layer, "activation", None) is keras.activations.relu
    return len(part.layers) == 1 and not part.kernels and is_relu


def _shares_block(block: Block, part: Block) -> bool:
    if block.branches or part.branches or len(part.kernels) != 1:
        return False
    if _is_depthwise(part.kernels[0]):
        return len(block.kernels) == 1 and not _is_depthwise(block.kernels[0])
    return _is_depthwise(block.kernels[-1])


def _is_depthwise(layer: Layer) -> bool:
    return isinstance(layer, keras.layers.DepthwiseConv2D)
