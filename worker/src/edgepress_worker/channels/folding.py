"""Constants of removed channels, as biases of the layers that read them.

A channel whose filter is zero still has its bias, and a channel that a normalization multiplies by zero has the
normalization's shift. Such a channel has the same value for every image, and activations, pooling and depthwise
convolutions turn it into another constant. The layer that reads it multiplies the constant by weights, which is a bias.

1. The constants are followed from layer to layer, as a map of values ``(1, height, width, channels)``, by running the
   layers on them.
2. In a convolution or dense layer that loses inputs, the removed inputs' contribution is computed by its own kernel.
3. The contribution is added to the bias. It is exact where it is equal at all places. Where zero padding makes the
   border differ, the median over the places is taken, which is exact in the interior of a map.

A channel that varies from image to image contributes nothing here: what it adds on average is estimated by
normalizations afterwards, see `training.batch_norm`.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from edgepress_worker.channels.flow import Flow
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Call

_keras = keras.layers
_Map = npt.NDArray[np.float32]
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Constants:
    """A tensor's removed channels that do not vary.

    Attributes:
        known: Whether a channel is removed and does not vary, ``(channels,)``.
        values: Their values, ``(1, ..., channels)``; 0 in other channels.
    """

    known: _Mask
    values: _Map

    @classmethod
    def of(cls, known: _Mask, values: _Map) -> Self:
        return cls(known, np.where(known, values, np.float32(0)))


def folded_biases(flow: Flow, kept: _Mask) -> dict[str, npt.NDArray[np.float32]]:
    """Return what to add to the biases of layers, by layer name; only layers for which it is not 0.

    Args:
        flow: The channels of the network.
        kept: Whether each channel is kept, ``(channels,)``.

    Returns:
        For each layer, a value for each of its output channels before the removal, ``(channels,)``.
    """
    biases: dict[str, npt.NDArray[np.float32]] = {}
    constants: dict[int, _Constants] = {}
    for call in flow.calls:
        inputs = [constants[number] for number in call.inputs]
        removed = ~kept[flow.channels[call.output]]
        constants[call.output] = _constants(call, inputs, removed)
        if isinstance(call.layer, (_keras.Conv2D, _keras.Dense)) and inputs[0].values.any():
            added = _contribution(call.layer, inputs[0].values)
            if added.any():
                biases.setdefault(
                    call.layer.name, added
                )  # a layer that is called again has one bias: of its first call
    return biases


def _constants(call: Call, inputs: list[_Constants], removed: _Mask) -> _Constants:  # noqa: PLR0911 - by kind of layer
    layer = call.layer
    if not removed.any() or not inputs:
        return _Constants.of(np.zeros_like(removed), np.zeros((1, *call.output_shape), np.float32))
    match layer:
        case _keras.DepthwiseConv2D():
            still = ~layer.depthwise_kernel.numpy().reshape(-1, len(removed)).any(axis=0)
            known = removed & (np.repeat(inputs[0].known, layer.depth_multiplier) | still)
            return _Constants.of(known, _ran(call, inputs))
        case _keras.Conv2D() | _keras.Dense():
            kernel = layer.kernel.numpy()
            still = removed & ~kernel.reshape(-1, kernel.shape[-1]).any(axis=0)
            bias = layer.bias.numpy() if layer.use_bias else np.zeros(kernel.shape[-1], np.float32)
            values = np.broadcast_to(layer.activation(tf.constant(bias)).numpy(), (1, *call.output_shape))
            return _Constants.of(still, values)
        case _keras.BatchNormalization() if layer.scale:
            known = inputs[0].known | (removed & (layer.gamma.numpy() == 0))
            return _Constants.of(known, _ran(call, inputs))
        case _keras.Concatenate():
            return _Constants.of(np.concatenate([each.known for each in inputs]), _ran(call, inputs))
        case _keras.Flatten() | _keras.Reshape():
            places = np.broadcast_to(inputs[0].known, call.input_shapes[0]).reshape(-1, call.output_shape[-1])
            return _Constants.of(places.all(axis=0) & removed, _ran(call, inputs))
        case _:
            known = removed & np.logical_and.reduce([each.known for each in inputs])
            return _Constants.of(known, _ran(call, inputs))


def _ran(call: Call, inputs: list[_Constants]) -> _Map:
    """Return the output of a layer for maps of constants."""
    return np.asarray(call.apply([tf.constant(each.values) for each in inputs]))


def _contribution(layer: keras.layers.Layer, values: _Map) -> npt.NDArray[np.float32]:
    """Return what constants add to the output of a convolution or dense layer, before its bias, ``(channels,)``."""
    if isinstance(layer, _keras.Dense):
        added = values @ layer.kernel.numpy()
    else:
        added = layer.convolution_op(tf.constant(values), layer.kernel).numpy()
    return np.median(added.reshape(-1, added.shape[-1]), axis=0).astype(np.float32)
