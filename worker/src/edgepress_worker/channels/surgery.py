"""The plain network that is left when channels are removed.

Each layer is built again with the channels that are kept, and takes the part of its weights that belongs to them:

- a convolution or dense layer, the filters of its kept output channels, and in them the weights of its kept inputs;
- a depthwise convolution, a normalization or a PReLU, the weights of its kept channels;
- a layer that reshapes or scales, its settings for fewer channels.

Constants of removed channels are added to biases, see `folding`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgepress_worker.channels.flow import Flow
from edgepress_worker.channels.folding import folded_biases
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import Call, Layer, rebuild

_keras = keras.layers
Kept = npt.NDArray[np.bool_]
Positions = Mapping[int, npt.NDArray[np.int64]]
"""Positions of channels by the number of their tensor, ``(channels,)``."""
_Weights = npt.NDArray[np.float32]


def without_channels(network: keras.Model, flow: Flow, kept: Kept) -> keras.Model:
    """Return the network without some of its channels; the network itself is not changed.

    Args:
        network: A functional network in float32.
        flow: Its channels.
        kept: Whether each channel is kept, by its number ``(channels,)``. Tied channels are kept or removed together,
            at least one channel of each layer is kept.
    """
    selection = ChannelSelection(flow, masked(flow, kept), folded_biases(flow, kept))
    return rebuild(network, replace=selection.layer, weights_of=selection.weights)


def masked(flow: Flow, kept: Kept) -> Positions:
    """Return the positions of the kept channels in each tensor."""
    return {number: np.flatnonzero(kept[channels]) for number, channels in flow.channels.items()}


class ChannelSelection:
    """The layers of a network with some of its channels, in any order.

    Args:
        flow: The channels of the network.
        positions: The positions in each tensor that its new channels come from.
        folded: What to add to the biases of layers, by layer name, see `folding`.
    """

    def __init__(self, flow: Flow, positions: Positions, folded: Mapping[str, _Weights] = MappingProxyType({})) -> None:
        self._channels = flow.channels
        self._positions = positions
        self._calls = {call.layer.name: call for call in reversed(flow.calls)}  # the first call of each layer
        self._folded = folded

    def layer(self, layer: Layer) -> Layer:
        """Return the layer that takes the place of a layer, without weights."""
        call, config = self._calls[layer.name], layer.get_config()
        return layer.__class__.from_config(config | self._changed(call, config))

    def weights(self, layer: Layer) -> Sequence[_Weights]:
        """Return the weights of the layer that takes the place of a layer."""
        return self.selected(layer, layer.get_weights())

    def selected(self, layer: Layer, values: Sequence[Any]) -> list[Any]:
        """Return the part of each array that is selected, given arrays in the shapes of a layer's weights."""
        call = self._calls[layer.name]
        if not values:
            return []
        taken, made = self._positions[call.inputs[0]], self._positions[call.output]
        before = len(self._channels[call.output])
        match layer:
            case _keras.DepthwiseConv2D():
                kernel, *bias = values
                return [kernel[:, :, taken], *(each[made] for each in bias)]
            case _keras.Conv2D() | _keras.Dense():
                kernel, *bias = values
                inputs = slice(None) if getattr(layer, "groups", 1) > 1 else taken
                return [kernel[..., inputs, :][..., made], *self._bias(layer.name, bias, made)]
            case _:
                # A normalization or a PReLU: the last axis counts channels, or has one value for all.
                return [each if each.shape[-1] != before else each[..., made] for each in values]

    def _bias(self, name: str, bias: Sequence[Any], made: npt.NDArray[np.int64]) -> list[Any]:
        if name not in self._folded:
            return [each[made] for each in bias]
        return [((bias[0] if bias else 0) + self._folded[name])[made]]

    def _changed(self, call: Call, config: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind
        """Return the settings of a layer that depend on the number of its channels."""
        made = self._positions[call.output]
        count = len(made)
        before = len(self._channels[call.output])
        match call.layer:
            case _keras.DepthwiseConv2D():
                return {}
            case _keras.Conv2D():
                return {"filters": count} | self._with_bias(call.layer.name)
            case _keras.Dense():
                return {"units": count} | self._with_bias(call.layer.name)
            case _keras.Reshape():
                return {"target_shape": (*call.output_shape[:-1], count)}
            case _keras.Rescaling():
                return {key: _by_channel(config[key], made, before) for key in ("scale", "offset")}
            case _keras.Dropout() if isinstance(config["noise_shape"], (list, tuple)):
                *places, last = config["noise_shape"]
                return {"noise_shape": (*places, count if last == before else last)}
            case _:
                return {}

    def _with_bias(self, name: str) -> dict[str, bool]:
        return {"use_bias": True} if name in self._folded else {}


def _by_channel(values: Any, made: npt.NDArray[np.int64], before: int) -> Any:
    array = np.asarray(values)
    return values if array.shape[-1:] != (before,) else array[made].tolist()
