"""Inserts ranges into a network and removes them.

The int8 export keeps the ranges: the converter uses them for the tensors and derives those in between. All other
exports compute activations with more than 8 bits, so the ranges are removed.
"""

from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Layer, copy_of, rebuild
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.quantization.learned_range import LearnedRange
from edgepress_worker.quantization.placement import rounded_layers

_SUFFIX = "_range"


def range_of(layer: str) -> str:
    """Return the name of the range of a layer's output."""
    return layer + _SUFFIX


def with_ranges(network: keras.Model, momentum: float) -> keras.Model:
    """Return the network with an `ActivationRange` after each layer whose output int8 rounds.

    Args:
        network: Network from pixels, 0 to 255, with a separate softmax after the logits.
        momentum: Momentum of the ranges, 0 to 1.
    """
    rounded = rounded_layers(network)

    def then(layer: Layer, tensor: tf.Tensor) -> tf.Tensor:
        if layer.name not in rounded:
            return tensor
        return ActivationRange(momentum, name=range_of(layer.name))(tensor)

    return rebuild(network, replace=copy_of, then=then)


def with_learned_ranges(network: keras.Model) -> keras.Model:
    """Return the network with a `LearnedRange` in place of each `ActivationRange`, which begins with its values."""
    return rebuild(
        network,
        replace=lambda layer: LearnedRange.replacing(layer) if isinstance(layer, ActivationRange) else copy_of(layer),
        weights_of=lambda layer: (
            LearnedRange.weights_for(layer) if isinstance(layer, ActivationRange) else layer.get_weights()
        ),
    )


def with_found_ranges(network: keras.Model) -> keras.Model:
    """Return the network with an `ActivationRange` in place of each `LearnedRange`, as files have them."""
    return rebuild(
        network,
        replace=lambda layer: ActivationRange(name=layer.name) if isinstance(layer, LearnedRange) else copy_of(layer),
        weights_of=lambda layer: layer.ends() if isinstance(layer, LearnedRange) else layer.get_weights(),
    )


def without_ranges(network: keras.Model) -> keras.Model:
    """Return the network without `ActivationRange` layers."""
    if not has_ranges(network):
        return network
    return rebuild(network, replace=lambda layer: None if isinstance(layer, ActivationRange) else copy_of(layer))


def has_ranges(network: keras.Model) -> bool:
    """Return whether the network has an `ActivationRange` layer."""
    return any(isinstance(layer, ActivationRange) for layer in network.layers)
