"""Puts ranges into a network, and takes them out.

What is exported as int8 keeps its ranges: the converter takes them for the tensors' and finds by itself those in
between. All other exports compute activations in more than 8 bits, so the ranges are taken out.
"""

from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Layer, copy_of, rebuild
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.quantization.placement import rounded_layers

_SUFFIX = "_range"


def with_ranges(network: keras.Model, momentum: float) -> keras.Model:
    """The network with an `ActivationRange` behind each layer whose output int8 rounds.

    Args:
        network: Takes pixels 0 to 255; its classifier gives logits to a softmax.
        momentum: Of the ranges.
    """
    rounded = rounded_layers(network)

    def then(layer: Layer, tensor: tf.Tensor) -> tf.Tensor:
        if layer.name not in rounded:
            return tensor
        return ActivationRange(momentum, name=layer.name + _SUFFIX)(tensor)

    return rebuild(network, replace=copy_of, then=then)


def without_ranges(network: keras.Model) -> keras.Model:
    """The network without any `ActivationRange`."""
    if not has_ranges(network):
        return network
    return rebuild(network, replace=lambda layer: None if isinstance(layer, ActivationRange) else copy_of(layer))


def has_ranges(network: keras.Model) -> bool:
    """Whether there is any `ActivationRange` in it."""
    return any(isinstance(layer, ActivationRange) for layer in network.layers)
