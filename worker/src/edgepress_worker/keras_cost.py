"""Multiply-accumulate operations and weights of a Keras network, as they are counted in its .tflite file.

Only convolutions, depthwise convolutions and dense layers are counted, without biases: each weight is multiplied once
for each place of the output. Normalizations, additions, activations and pooling are left out, as in the literature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from edgepress_common.promises import ShapePromise
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import MULTIPLYING_LAYERS, calls


@dataclass(frozen=True)
class LayerCost:
    """The cost of one layer.

    Attributes:
        layer: Name of the layer.
        channels: Number of its output channels.
        macs: Multiply-accumulate operations of one inference, in all calls of the layer together.
        weights: Number of weights of its kernel.
    """

    layer: str
    channels: int
    macs: int
    weights: int


def layer_costs(network: keras.Model) -> tuple[LayerCost, ...]:
    """Return the cost of each layer with a kernel, in the order of the data flow."""
    costs: dict[str, LayerCost] = {}
    for call in calls(network):
        if isinstance(call.layer, MULTIPLYING_LAYERS):
            name, size = call.layer.name, prod(kernel_of(call.layer).shape)
            before = costs[name].macs if name in costs else 0
            macs = before + size * prod(call.output_shape[:-1])
            costs[name] = LayerCost(name, call.output_shape[-1], macs, size)
    return tuple(costs.values())


def places_of_inputs(network: keras.Model) -> dict[str, int]:
    """Return the number of places of each layer's inputs, in all its calls together, for layers with a kernel."""
    places: dict[str, int] = {}
    for call in calls(network):
        if isinstance(call.layer, MULTIPLYING_LAYERS):
            places[call.layer.name] = places.get(call.layer.name, 0) + prod(call.input_shapes[0][:-1])
    return places


def macs(costs: Sequence[LayerCost]) -> int:
    """Return the multiply-accumulate operations of all layers."""
    return sum(cost.macs for cost in costs)


def weights(costs: Sequence[LayerCost]) -> int:
    """Return the number of weights of all layers."""
    return sum(cost.weights for cost in costs)


def shape_of(network: keras.Model) -> ShapePromise:
    """Return the shape of a network, to promise it. Depthwise convolutions count, but have no channels of their own."""
    costs = layer_costs(network)
    depthwise = {layer.name for layer in network.layers if isinstance(layer, keras.layers.DepthwiseConv2D)}
    channels = {cost.layer: cost.channels for cost in costs if cost.layer not in depthwise}
    return ShapePromise(macs=macs(costs), weights=weights(costs), channels=channels)


def kernel_size(layer: keras.layers.Layer, taken: int, made: int) -> int:
    """Return the number of weights in the kernel of one of the `MULTIPLYING_LAYERS`.

    Args:
        layer: The layer.
        taken: Number of its input channels.
        made: Number of its output channels.
    """
    window = prod(getattr(layer, "kernel_size", ()))
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return window * made
    return window * (taken // getattr(layer, "groups", 1)) * made


def kernel_of(layer: keras.layers.Layer) -> tf.Variable:
    """Return the kernel of one of the `MULTIPLYING_LAYERS`."""
    return layer.depthwise_kernel if isinstance(layer, keras.layers.DepthwiseConv2D) else layer.kernel
