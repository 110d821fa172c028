"""The narrower networks of an elastic network, and the weights that they take from it.

A narrower network is a plain network with the first channels of each layer. Its weights are entries of the wide
network's weights: which ones, is found by selecting from arrays of their numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgepress_common.spec import LayerSelection
from edgepress_worker.channels.groups import Group, Grouped, find_groups, selected_groups
from edgepress_worker.channels.surgery import ChannelSelection, Kept, masked
from edgepress_worker.compression.kernels import SHARED_OR_ZERO, find_kernels, select
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import rebuild


@dataclass(frozen=True)
class Shared:
    """A variable of a narrower network.

    Attributes:
        own: The variable.
        wide: The variable of the wide network that it takes its values from.
        entries: Numbers of these values in the wide variable, flattened, ``(values,)``.
    """

    own: tf.Variable
    wide: tf.Variable
    entries: npt.NDArray[np.int32]

    def load(self) -> None:
        """Take the current values."""
        self.own.assign(tf.reshape(tf.gather(tf.reshape(self.wide, [-1]), self.entries), self.own.shape))

    def spread(self, gradient: tf.Tensor) -> tf.Tensor:
        """Return the gradient of the wide variable, given that of the narrow one."""
        size = self.wide.shape.num_elements()
        flat = tf.scatter_nd(self.entries[:, np.newaxis], tf.reshape(gradient, [-1]), [size])
        return tf.reshape(flat, self.wide.shape)


@dataclass(frozen=True)
class Narrower:
    """A narrower network.

    Attributes:
        network: The network.
        shared: Its trained variables, in the order of ``network.trainable_variables``.
    """

    network: keras.Model
    shared: tuple[Shared, ...]


def cuttable(network: keras.Model, layers: LayerSelection) -> tuple[Grouped, tuple[Group, ...]]:
    """Return the groups of a network, and those that get narrower: all layers of a group are selected.

    Raises:
        InvalidInputError: There are none, or the network has a layer whose channels can't be followed.
    """
    grouped = find_groups(network)
    selected = {kernel.layer for kernel in select(find_kernels(network), layers, SHARED_OR_ZERO)}
    return grouped, selected_groups(grouped, selected)


def first_channels(grouped: Grouped, groups: Sequence[Group], width: float, multiple_of: int) -> Kept:
    """Return whether each channel is kept at a width: the first ones of each group, a multiple of a number."""
    kept = np.ones(grouped.unit_count, bool)
    for group in groups:
        count = max(1, round(width * len(group) / multiple_of)) * multiple_of
        kept[group.units[count:]] = False
    return grouped.kept_channels(kept)


def narrower(network: keras.Model, grouped: Grouped, kept: Kept) -> Narrower:
    """Return the network with some channels only, which has the weights of these."""
    selection = ChannelSelection(grouped.flow, masked(grouped.flow, kept))
    made = rebuild(network, replace=selection.layer, weights_of=selection.weights)
    shared: dict[int, Shared] = {}
    for layer in network.layers:
        own = made.get_layer(layer.name).weights
        numbers = [
            np.arange(weight.shape.num_elements(), dtype=np.int32).reshape(weight.shape) for weight in layer.weights
        ]
        for variable, wide, entries in zip(own, layer.weights, selection.selected(layer, numbers), strict=True):
            shared[id(variable)] = Shared(variable, wide, entries.reshape(-1))
    return Narrower(made, tuple(shared[id(variable)] for variable in made.trainable_variables))
