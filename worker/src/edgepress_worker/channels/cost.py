"""The cost of a network without some channels, counted as in `edgepress_worker.keras_cost`, without building it."""

from math import prod

import numpy as np
import numpy.typing as npt

from edgepress_worker.channels.flow import Flow
from edgepress_worker.keras_cost import LayerCost
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import MULTIPLYING_LAYERS, Call


class PrunedCost:
    """The cost of the layers of a network without some of its channels.

    Args:
        flow: The channels of the network.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._calls = [call for call in flow.calls if isinstance(call.layer, MULTIPLYING_LAYERS)]

    def layers(self, kept: npt.NDArray[np.bool_]) -> tuple[LayerCost, ...]:
        """Return the cost of each layer.

        Args:
            kept: Whether each channel is kept, by its number.
        """
        costs: dict[str, LayerCost] = {}
        for call in self._calls:
            name, (made, weights) = call.layer.name, self._size(call, kept)
            before = costs[name].macs if name in costs else 0
            costs[name] = LayerCost(name, made, before + weights * prod(call.output_shape[:-1]), weights)
        return tuple(costs.values())

    def _size(self, call: Call, kept: npt.NDArray[np.bool_]) -> tuple[int, int]:
        """Return the number of a layer's output channels and of its weights."""
        layer, channels = call.layer, self._flow.channels
        made = int(kept[channels[call.output]].sum())
        window = prod(getattr(layer, "kernel_size", ()))
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            return made, window * made
        taken = int(kept[channels[call.inputs[0]]].sum())
        return made, window * (taken // getattr(layer, "groups", 1)) * made
