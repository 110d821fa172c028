"""Layers of a student that learn the outputs of its teacher's layers (Romero et al. 2015, FitNets, arXiv:1412.6550).

The loss of a hint is the mean of w (A(s) - t)^2 / 2 over images, places and channels, with the outputs s and t of the
two layers, the weight w of the image, and the adapter A: a 1x1 convolution, or a dense layer for outputs without
height and width; none where both have the same shape. Adapters are trained with the student, and are not a part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec.teaching import Hint
from edgepress_worker.keras_environment import keras, tf

_NAMES_SHOWN = 40


@dataclass(frozen=True)
class HintedLayer:
    """A hint for a certain student and teacher.

    Attributes:
        layer: Name of the student's layer.
        weight: Weight in the loss.
        adapter: The adapter; None where both outputs have the same shape.
    """

    layer: str
    weight: float
    adapter: keras.layers.Layer | None

    def loss(self, output: tf.Tensor, taught: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Return the loss of a batch, a scalar; see the module."""
        output = tf.cast(output, tf.float32)
        adapted = output if self.adapter is None else self.adapter(output)
        squares = tf.math.squared_difference(adapted, tf.cast(taught, tf.float32))
        of_images = tf.reduce_mean(squares, axis=tuple(range(1, len(squares.shape))))
        return self.weight / 2 * tf.reduce_mean(weights * of_images)


def outputs_of(network: keras.Model, layers: Sequence[str], whose: str) -> list[tf.Tensor]:
    """Return the outputs of some layers of a network.

    Args:
        network: The network.
        layers: Names of layers.
        whose: Field of the hint that has the names, for the message.

    Raises:
        InvalidInputError: The network has no layer of this name.
    """
    known = {layer.name: layer for layer in network.layers}
    for position, name in enumerate(layers):
        if name not in known:
            shown = ", ".join(list(known)[:_NAMES_SHOWN]) + (", ..." if len(known) > _NAMES_SHOWN else "")
            raise InvalidInputError(
                f"hints[{position}].{whose} is {name!r}; accepted: a layer of that network, {shown}"
            )
    return [known[name].output for name in layers]


def hinted_layers(hints: Sequence[Hint], network: keras.Model, teacher: keras.Model) -> tuple[HintedLayer, ...]:
    """Return the hints with their adapters.

    Raises:
        InvalidInputError: A network has no such layer, or the outputs differ in more than channels.
    """
    outputs = outputs_of(network, [hint.student for hint in hints], "student")
    taught = outputs_of(teacher, [hint.teacher for hint in hints], "teacher")
    found = []
    for position, (hint, output, target) in enumerate(zip(hints, outputs, taught, strict=True)):
        ours, theirs = tuple(output.shape[1:]), tuple(target.shape[1:])
        if ours[:-1] != theirs[:-1]:
            raise InvalidInputError(
                f"hints[{position}]: the output of {hint.student} is {_size(ours)} and that of the teacher's "
                f"{hint.teacher} is {_size(theirs)}; accepted: layers with the same height and width"
            )
        adapter = None if ours == theirs else _adapter(position, ours, theirs[-1])
        found.append(HintedLayer(hint.student, hint.weight, adapter))
    return tuple(found)


def _adapter(position: int, shape: tuple[int, ...], channels: int) -> keras.layers.Layer:
    name = f"hint_{position}"
    has_places = len(shape) > 1
    layer = keras.layers.Conv2D(channels, 1, name=name) if has_places else keras.layers.Dense(channels, name=name)
    layer.build((None, *shape))
    return layer


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in shape)
