"""Takes a functional Keras network apart and puts it together again with other layers in it."""

from collections.abc import Callable
from typing import Any

from edgepress_worker.keras_environment import keras, tf

Layer = Any  # keras.layers.Layer, which has no types
_Node = Any  # tf_keras.src.engine.node.Node: one call of a layer

# With kernels, that a normalization behind them can be multiplied into.
MULTIPLYING_LAYERS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)


def rebuild(
    network: keras.Model,
    *,
    replace: Callable[[Layer], Layer | None],
    then: Callable[[Layer, tf.Tensor], tf.Tensor] = lambda _layer, tensor: tensor,
) -> keras.Model:
    """A new network along the lines of another one, which stays as it is.

    Args:
        network: Functional; layers may join and branch.
        replace: Gives, for each layer, a new one in its place (`copy_of` for the same again), or None to leave it out;
            a layer that is left out must have one input.
        then: Given each layer and what its replacement gives, what flows on instead.

    Returns:
        The new network. Layers that have the name and as many weights as before have the same weights.
    """
    made: dict[str, Layer | None] = {}
    entries: dict[int, tf.Tensor] = {}
    flow: dict[int, tf.Tensor] = {}
    for node in _nodes(network):
        layer = node.layer
        if layer.name not in made:
            made[layer.name] = replace(layer)
        if node.is_input:
            new = made[layer.name]
            assert new is not None
            output = entries[id(node.outputs)] = new.output
        else:
            output = _called(node, made[layer.name], flow)
        flow[id(node.outputs)] = then(layer, output)
    rebuilt = keras.Model(
        [entries[id(tensor)] for tensor in network.inputs],
        [flow[id(tensor)] for tensor in network.outputs],
        name=network.name,
    )
    _copy_weights(network, rebuilt)
    return rebuilt


def copy_of(layer: Layer) -> Layer:
    """A new layer with the same settings."""
    return layer.__class__.from_config(layer.get_config())


def consumers(network: keras.Model) -> dict[str, list[Layer]]:
    """For each layer's name, the layers that take what it gives."""
    found: dict[str, list[Layer]] = {layer.name: [] for layer in network.layers}
    for node in _nodes(network):
        if not node.is_input:
            for source in node.parent_nodes:
                found[source.layer.name].append(node.layer)
    return found


def _nodes(network: keras.Model) -> list[_Node]:
    """The calls that make up the network, inputs first. Keras itself runs a network by this table."""
    by_depth = network._nodes_by_depth  # noqa: SLF001
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def _called(node: _Node, layer: Layer | None, flow: dict[int, tf.Tensor]) -> tf.Tensor:
    args, kwargs = tf.nest.map_structure(lambda value: flow.get(id(value), value), (node.call_args, node.call_kwargs))
    return args[0] if layer is None else layer(*args, **kwargs)


def _copy_weights(network: keras.Model, rebuilt: keras.Model) -> None:
    before = {layer.name: layer.get_weights() for layer in network.layers}
    for layer in rebuilt.layers:
        weights = before.get(layer.name, [])
        if weights and len(weights) == len(layer.weights):
            layer.set_weights(weights)
