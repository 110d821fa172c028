"""Reads the graph of a functional Keras network, and rebuilds it with other layers."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import keras, tf

Layer = Any  # keras.layers.Layer, which has no types
_Node = Any  # tf_keras.src.engine.node.Node: a call of a layer

# Layers with kernels that a following normalization can be folded into.
MULTIPLYING_LAYERS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)

IDLE_LAYERS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.AlphaDropout,
    keras.layers.ActivityRegularization,
)
"""Layers without an effect after training. The converter drops them, so code that inspects the graph skips them."""


Shape = tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """A call of a layer. Tensors have numbers, in the order in which they are computed.

    Attributes:
        layer: The layer; it may be called several times.
        inputs: Numbers of the tensors that it is called on; none for an input layer.
        output: Number of the tensor that it returns.
        input_shapes: Shapes of the inputs, without the batch.
        output_shape: Shape of the output, without the batch.
        apply: Function that calls the layer in the same way on other tensors, given in the order of the inputs.
    """

    layer: Layer
    inputs: tuple[int, ...]
    output: int
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    apply: Callable[[Sequence[tf.Tensor]], tf.Tensor] = field(repr=False, compare=False)


def calls(network: keras.Model) -> tuple[Call, ...]:
    """Return the calls that a functional network consists of, in an order in which they can run."""
    numbers: dict[int, int] = {}
    found = []
    for node in _nodes(network):
        inputs = () if node.is_input else tuple(node.keras_inputs)
        numbers[id(node.outputs)] = len(numbers)
        found.append(
            Call(
                layer=node.layer,
                inputs=tuple(numbers[id(tensor)] for tensor in inputs),
                output=numbers[id(node.outputs)],
                input_shapes=tuple(tuple(tensor.shape[1:]) for tensor in inputs),
                output_shape=tuple(node.outputs.shape[1:]),
                apply=functools.partial(_apply, node),
            )
        )
    return tuple(found)


def output_numbers(network: keras.Model) -> tuple[int, ...]:
    """Return the numbers of the tensors that the network returns, as `calls` numbers them."""
    numbers = {id(node.outputs): number for number, node in enumerate(_nodes(network))}
    return tuple(numbers[id(tensor)] for tensor in network.outputs)


def rebuild(
    network: keras.Model,
    *,
    replace: Callable[[Layer], Layer | None],
    then: Callable[[Layer, tf.Tensor], tf.Tensor] = lambda _layer, tensor: tensor,
    weights_of: Callable[[Layer], Sequence[npt.NDArray[np.float32]]] = lambda layer: layer.get_weights(),
    instead: Mapping[int, int] = MappingProxyType({}),
) -> keras.Model:
    """Return a new network with the structure of another one, which is not changed.

    Args:
        network: A functional network; layers may join and branch.
        replace: Function that returns the replacement of a layer (`copy_of` for an equal layer), or None to omit the
            layer, which must have one input.
        then: Function that receives each layer and the output of its replacement, and returns the tensor to use
            instead.
        weights_of: Function that returns the weights for a layer's replacement, given the layer.
        instead: Numbers of tensors, as in `calls`, each with the number of an earlier tensor that takes its place.
            Layers that only compute replaced tensors are left out.

    Returns:
        The new network. A layer with the same name as before and as many weights as ``weights_of`` returns has those.
    """
    made: dict[str, Layer | None] = {}
    entries: dict[int, tf.Tensor] = {}
    flow: dict[int, tf.Tensor] = {}
    done: list[tf.Tensor] = []
    for number, node in enumerate(_nodes(network)):
        layer = node.layer
        if layer.name not in made:
            made[layer.name] = replace(layer)
        if node.is_input:
            new = made[layer.name]
            assert new is not None
            output = entries[id(node.outputs)] = new.output
        else:
            output = _called(node, made[layer.name], flow)
        done.append(done[instead[number]] if number in instead else then(layer, output))
        flow[id(node.outputs)] = done[-1]
    rebuilt = keras.Model(
        [entries[id(tensor)] for tensor in network.inputs],
        [flow[id(tensor)] for tensor in network.outputs],
        name=network.name,
    )
    _copy_weights(network, rebuilt, weights_of)
    return rebuilt


def copy_of(layer: Layer) -> Layer:
    """Return a new layer with the same settings."""
    return layer.__class__.from_config(layer.get_config())


def consumers(network: keras.Model) -> dict[str, list[Layer]]:
    """Return, for each layer's name, the layers that use its output.

    `IDLE_LAYERS` are skipped: the layers that use their output are returned instead.
    """
    direct: dict[str, list[Layer]] = {layer.name: [] for layer in network.layers}
    for node in _nodes(network):
        if not node.is_input:
            for source in node.parent_nodes:
                direct[source.layer.name].append(node.layer)
    return {name: list(_beyond_idle(layers, direct)) for name, layers in direct.items()}


def _beyond_idle(layers: Sequence[Layer], direct: Mapping[str, Sequence[Layer]]) -> Iterator[Layer]:
    for layer in layers:
        if isinstance(layer, IDLE_LAYERS):
            yield from _beyond_idle(direct[layer.name], direct)
        else:
            yield layer


def _nodes(network: keras.Model) -> list[_Node]:
    """Return the calls that the network consists of, inputs first. Keras itself runs a network by this table."""
    by_depth = network._nodes_by_depth  # noqa: SLF001
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def _apply(node: _Node, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
    flow = {id(tensor): value for tensor, value in zip(node.keras_inputs, inputs, strict=True)}
    return _called(node, node.layer, flow)


def _called(node: _Node, layer: Layer | None, flow: dict[int, tf.Tensor]) -> tf.Tensor:
    args, kwargs = tf.nest.map_structure(lambda value: flow.get(id(value), value), (node.call_args, node.call_kwargs))
    return args[0] if layer is None else layer(*args, **kwargs)


def _copy_weights(
    network: keras.Model, rebuilt: keras.Model, weights_of: Callable[[Layer], Sequence[npt.NDArray[np.float32]]]
) -> None:
    before = {layer.name: layer for layer in network.layers}
    for layer in rebuilt.layers:
        weights = weights_of(before[layer.name]) if layer.name in before else ()
        if weights and len(weights) == len(layer.weights):
            layer.set_weights(weights)
