"""The smaller networks of an elastic network, and the weights that they take from it.

A smaller network is a plain network with the first channels of each layer, without some blocks. Its weights are entries
of the whole network's weights: which ones, is found by selecting from arrays of their numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError
from edgepress_worker.channels.groups import Group, Grouped
from edgepress_worker.channels.surgery import ChannelSelection, Kept, masked
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Layer, rebuild


@dataclass(frozen=True)
class Shared:
    """A variable of a smaller network.

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
class Smaller:
    """A smaller network.

    Attributes:
        network: The network.
        shared: Its trained variables, in the order of ``network.trainable_variables``.
    """

    network: keras.Model
    shared: tuple[Shared, ...]

    def for_images(self, image_size: int) -> Self:
        """Return it for images of another size, see `for_images`."""
        return type(self)(for_images(self.network, image_size), self.shared)


def first_channels(grouped: Grouped, groups: Sequence[Group], width: float, multiple_of: int) -> Kept:
    """Return whether each channel is kept at a width: the first ones of each group, a multiple of a number."""
    kept = np.ones(grouped.unit_count, bool)
    for group in groups if width < 1 else ():
        count = max(1, round(width * len(group) / multiple_of)) * multiple_of
        kept[group.units[count:]] = False
    return grouped.kept_channels(kept)


def smaller(
    network: keras.Model, grouped: Grouped, kept: Kept, without: Mapping[int, int] = MappingProxyType({})
) -> Smaller:
    """Return the network with some channels and blocks only, which has the weights of these.

    Args:
        network: The whole network.
        grouped: Its groups.
        kept: Whether each channel is kept.
        without: The blocks that are left out, see `depth.left_out`.
    """
    selection = ChannelSelection(grouped.flow, masked(grouped.flow, kept))
    made = rebuild(network, replace=selection.layer, weights_of=selection.weights, instead=without)
    shared: dict[int, Shared] = {}
    for layer in made.layers:
        whole = network.get_layer(layer.name)
        numbers = [
            np.arange(weight.shape.num_elements(), dtype=np.int32).reshape(weight.shape) for weight in whole.weights
        ]
        for variable, source, entries in zip(
            layer.weights, whole.weights, selection.selected(whole, numbers), strict=True
        ):
            shared[id(variable)] = Shared(variable, source, entries.reshape(-1))
    return Smaller(made, tuple(shared[id(variable)] for variable in made.trainable_variables))


def for_images(network: keras.Model, image_size: int) -> keras.Model:
    """Return a network for images of another size, which consists of the same layers.

    Raises:
        InvalidInputError: A layer's weights or settings depend on the image size.
    """

    def replace(layer: Layer) -> Layer:
        if not isinstance(layer, keras.layers.InputLayer):
            return layer
        *_, channels = layer.get_config()["batch_input_shape"]
        config = layer.get_config() | {"batch_input_shape": (None, image_size, image_size, channels)}
        return keras.layers.InputLayer.from_config(config)

    try:
        return rebuild(network, replace=replace, weights_of=lambda _layer: ())
    except ValueError as error:  # as Keras raises where shapes do not fit; it names the layer
        raise InvalidInputError(
            f"the network can't take images of {image_size} pixels: {str(error).splitlines()[0]}; accepted: a network "
            "that pools its last map, or no image_sizes"
        ) from error
