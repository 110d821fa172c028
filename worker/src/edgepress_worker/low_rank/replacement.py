"""The network with layers replaced by chains of smaller layers.

The last layer of a chain has the name, bias and activation of the layer that it replaces. The layers before it have
neither bias nor activation: the chain computes a product, and padding with zeros in its middle layer is the same as
before its first. Their names are that of the replaced layer with ``_reduce`` (to fewer channels) and ``_core``.
"""

from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from edgepress_worker.compression.kernels import KernelValues
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Layer, copy_of, rebuild
from edgepress_worker.low_rank.ranks import Choice

_INNER = {"use_bias": False, "activation": "linear"}
_POINTWISE = {"kernel_size": (1, 1), "padding": "valid", "dilation_rate": (1, 1)}


@dataclass(frozen=True)
class _Link:
    """A layer of a chain, not called yet, and its weights."""

    layer: Layer
    weights: list[KernelValues]


def with_replacements(network: keras.Model, choice: Choice) -> keras.Model:
    """Return a new network with the chosen layers replaced; all other weights are those of the network.

    Args:
        network: A functional network in float32, which is not changed.
        choice: The layers to replace, with their ranks.
    """
    names = {layer.name for layer in network.layers}
    chains = {name: _chain(network.get_layer(name), choice, names) for name in choice}

    def then(layer: Layer, tensor: tf.Tensor) -> tf.Tensor:
        for link in chains.get(layer.name, [])[1:]:
            tensor = link.layer(tensor)
        return tensor

    rebuilt = rebuild(
        network,
        replace=lambda layer: chains[layer.name][0].layer if layer.name in chains else copy_of(layer),
        then=then,
        weights_of=lambda layer: () if layer.name in chains else layer.get_weights(),
    )
    for links in chains.values():
        for link in links:
            link.layer.set_weights(link.weights)
    return rebuilt


def _chain(layer: Layer, choice: Choice, names: set[str]) -> list[_Link]:
    candidate, ranks = choice[layer.name]
    factors = candidate.decomposition.factors(ranks)
    made: list[tuple[KernelValues, dict[str, Any]]] = []
    steps = {"strides": (1, 1)}
    if factors.entry is not None:
        # A 1x1 convolution leaves places out as early as it can; another one needs all of them.
        early = {"strides": layer.strides} if candidate.decomposition.is_matrix and _is_convolution(layer) else steps
        made.append((factors.entry, _POINTWISE | early | {"name": _unused(f"{layer.name}_reduce", names)}))
    if factors.core is not None:
        made.append((factors.core, {"name": _unused(f"{layer.name}_core", names)}))
    if factors.exit is not None:
        made.append((factors.exit, _POINTWISE | steps))
    (last, changes) = made[-1]
    bias = layer.get_weights()[1:]
    return [
        *(_link(layer, kernel, changes | _INNER) for kernel, changes in made[:-1]),
        _link(layer, last, changes | {"name": layer.name}, *bias),
    ]


def _link(layer: Layer, kernel: KernelValues, changes: dict[str, Any], *bias: KernelValues) -> _Link:
    """Return a layer with the settings of another one, except for changes, and with its own kernel."""
    if _is_convolution(layer):
        config = layer.get_config() | changes | {"filters": kernel.shape[-1]}
    else:
        kernel = np.squeeze(kernel, (0, 1))
        config = layer.get_config() | {key: changes[key] for key in ("name", *_INNER) if key in changes}
        config |= {"units": kernel.shape[-1]}
    return _Link(layer.__class__.from_config(config), [kernel, *bias])


def _is_convolution(layer: Layer) -> bool:
    return isinstance(layer, keras.layers.Conv2D)


def _unused(name: str, names: set[str]) -> str:
    """Return the name, with a number if another layer has it; the result is added to the names."""
    free = name if name not in names else next(each for n in count(1) if (each := f"{name}_{n}") not in names)
    names.add(free)
    return free
