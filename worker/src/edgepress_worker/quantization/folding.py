"""Multiplies normalizations into the convolutions and dense layers before them, as the converter does.

A normalization y = gamma (x - mean) / deviation + beta after x = W * input + b is the layer with the weights
W gamma / deviation and the bias beta + (b - mean) gamma / deviation. The weights of the folded network are those of the
file, so that rounding, scales and biases can be chosen for them.
"""

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import IDLE_LAYERS, MULTIPLYING_LAYERS, Layer, consumers, copy_of, rebuild

_Folded = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]  # kernel and bias


def folded(network: keras.Model) -> keras.Model:
    """Return a network without normalizations after convolutions and dense layers.

    Args:
        network: Functional; it is not changed.

    Returns:
        A network with the same outputs. All its convolutions and dense layers have a bias, and their activations are
        layers of their own, named ``<layer>_activation``.
    """
    taken_by = consumers(network)
    followed = {
        layer.name: taken_by[layer.name][0] for layer in network.layers if _is_normalized(layer, taken_by[layer.name])
    }
    absorbed = {normalization.name for normalization in followed.values()}

    def replacement(layer: Layer) -> Layer | None:
        if layer.name in absorbed or isinstance(layer, IDLE_LAYERS):
            return None
        if isinstance(layer, MULTIPLYING_LAYERS):
            return layer.__class__.from_config(layer.get_config() | {"use_bias": True, "activation": "linear"})
        return copy_of(layer)

    def with_activation(layer: Layer, tensor: tf.Tensor) -> tf.Tensor:
        if not isinstance(layer, MULTIPLYING_LAYERS) or layer.activation is keras.activations.linear:
            return tensor
        return keras.layers.Activation(layer.activation, name=f"{layer.name}_activation")(tensor)

    made = rebuild(network, replace=replacement, then=with_activation)
    for layer in network.layers:
        if isinstance(layer, MULTIPLYING_LAYERS):
            made.get_layer(layer.name).set_weights(_weights(layer, followed.get(layer.name)))
    return made


def _is_normalized(layer: Layer, taken_by: list[Layer]) -> bool:
    return (
        isinstance(layer, MULTIPLYING_LAYERS)
        and len(taken_by) == 1
        and isinstance(taken_by[0], keras.layers.BatchNormalization)
        and len(taken_by[0].inbound_nodes) == 1
        and layer.activation is keras.activations.linear
    )


def _weights(layer: Layer, normalization: Layer | None) -> _Folded:
    kernel, *rest = layer.get_weights()
    # A depthwise kernel counts its output channels by its last two axes, all others by the last.
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    channels = kernel.shape[-2] * kernel.shape[-1] if depthwise else kernel.shape[-1]
    bias = rest[0] if rest else np.zeros(channels, np.float32)
    if normalization is None:
        return kernel, bias
    factor = 1 / np.sqrt(keras.backend.get_value(normalization.moving_variance) + normalization.epsilon)
    if normalization.scale:
        factor = factor * keras.backend.get_value(normalization.gamma)
    shift = keras.backend.get_value(normalization.beta) if normalization.center else 0.0
    bias = shift + (bias - keras.backend.get_value(normalization.moving_mean)) * factor
    return kernel * (factor.reshape(kernel.shape[-2:]) if depthwise else factor), bias
