"""Residual blocks that a network can do without: shallower networks.

A residual block adds a function of a tensor to the tensor itself. Without the function, the sum is the tensor. A block
whose shortcut has a projection changes the number of channels or places, and can't be left out.

Blocks are left out from the end of their stage, which is a run of blocks with the same shape (Cai et al. 2020,
Once-for-All, arXiv:1908.09791, section 3.3): so the deeper network has all blocks of the shallower one. Block i of n in
its stage has the rank (i + 1/2) / n; blocks of the highest ranks go first, and of equal ranks, those of later stages.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from edgepress_common.errors import InvalidInputError
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import Shape, calls


@dataclass(frozen=True)
class Block:
    """A residual block whose shortcut has no projection.

    Attributes:
        entry: Number of its input's tensor, see `keras_graph.calls`.
        sum: Number of the sum's tensor.
        shape: Shape of both, without the batch.
    """

    entry: int
    sum: int
    shape: Shape


def residual_blocks(network: keras.Model) -> tuple[Block, ...]:
    """Return the blocks of a network that can be left out, in the order of the data flow."""
    before: dict[int, frozenset[int]] = {}  # the tensors that each tensor is computed from
    found = []
    for call in calls(network):
        before[call.output] = frozenset(call.inputs).union(*(before[number] for number in call.inputs))
        if isinstance(call.layer, keras.layers.Add) and len(call.inputs) == 2:  # noqa: PLR2004 - shortcut and function
            entries = [entry for entry in call.inputs if any(entry in before[other] for other in call.inputs)]
            found += [Block(entry, call.output, call.output_shape) for entry in entries]
    return tuple(found)


def left_out(network: keras.Model, depth: float) -> Mapping[int, int]:
    """Return the blocks that are left out at a depth: for each, the number of its sum's tensor and of its input's.

    Args:
        network: The whole network.
        depth: Share of the blocks that is kept, at most.

    Raises:
        InvalidInputError: The network has no block that can be left out.
    """
    if depth == 1:
        return {}
    blocks = residual_blocks(network)
    if not blocks:
        raise InvalidInputError(
            f"depth is {depth:g}, but {network.name!r} has no residual block without a projection; accepted: no "
            "depths, or a residual network with more than one block of a size"
        )
    ranked = []
    for _, same in itertools.groupby(blocks, key=lambda block: block.shape):
        stage = list(same)
        ranked += [((number + 0.5) / len(stage), block.sum, block) for number, block in enumerate(stage)]
    ranked.sort(key=lambda each: each[:2])
    return {block.sum: block.entry for *_, block in ranked[int(depth * len(blocks)) :]}
