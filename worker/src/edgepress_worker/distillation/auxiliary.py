"""Auxiliary classifiers: intermediate layers that learn the labels, so that shallow channels tell classes apart.

Lee et al. 2015, Deeply-Supervised Nets, arXiv:1409.5185.

A classifier is a global average pooling and a dense layer on the last tensor of a resolution. The loss of the training
gets the mean of w CE(labels, classifier), times a weight, for each of them. Classifiers are trained with the network,
and are not a part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_common.errors import InvalidInputError
from edgepress_worker.distillation.hints import HintedLayer
from edgepress_worker.distillation.lesson import Batch, Lesson
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import calls

_MAP_RANK = 3  # height, width and channels


@dataclass(frozen=True)
class AuxiliaryClassifier:
    """An auxiliary classifier.

    Attributes:
        layer: Name of the layer whose output it classifies.
        adapter: The dense layer, to logits.
    """

    layer: str
    adapter: keras.layers.Layer

    def loss(self, output: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return the loss of a batch, a scalar; see the module."""
        logits = self.adapter(tf.reduce_mean(tf.cast(output, tf.float32), axis=(1, 2)))
        each = tf.nn.softmax_cross_entropy_with_logits(batch.labels, logits)
        return tf.reduce_mean(batch.weights * each)


@dataclass(frozen=True)
class SupervisedLesson:
    """A lesson with auxiliary classifiers, in place of a `Lesson`.

    Attributes:
        lesson: The lesson of the teachers; None without any.
        classifiers: The classifiers.
        weight: Weight of each of them in the loss.
    """

    lesson: Lesson | None
    classifiers: tuple[AuxiliaryClassifier, ...]
    weight: float

    @property
    def hints(self) -> tuple[HintedLayer | AuxiliaryClassifier, ...]:
        """The layers whose outputs `loss` needs: those of the teachers' lesson come first."""
        return (*(() if self.lesson is None else self.lesson.hints), *self.classifiers)

    def taught(self, images: tf.Tensor, known: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """See `Lesson.taught`."""
        return () if self.lesson is None else self.lesson.taught(images, known)

    def loss(self, from_labels: tf.Tensor, batch: Batch, outputs: Sequence[tf.Tensor], step: tf.Tensor) -> tf.Tensor:
        """See `Lesson.loss`."""
        own = len(outputs) - len(self.classifiers)
        loss = from_labels if self.lesson is None else self.lesson.loss(from_labels, batch, outputs[:own], step)
        for classifier, output in zip(self.classifiers, outputs[own:], strict=True):
            loss += self.weight * classifier.loss(output, batch)
        return loss


def auxiliary_classifiers(network: keras.Model, count: int) -> tuple[AuxiliaryClassifier, ...]:
    """Return classifiers on the last maps of the deepest resolutions but the last, which the network classifies itself.

    Raises:
        InvalidInputError: The network has fewer resolutions.
    """
    last: dict[tuple[int, ...], keras.layers.Layer] = {}
    for call in calls(network):
        is_padded = isinstance(call.layer, keras.layers.ZeroPadding2D)
        if len(call.output_shape) == _MAP_RANK and call.inputs and not is_padded:
            last[call.output_shape[:2]] = call.layer
    found = [layer for (height, width), layer in last.items() if height * width > 1][:-1]
    if len(found) < count:
        raise InvalidInputError(
            f"slimming.auxiliary_classifiers is {count}, and the network has maps of {len(found)} sizes before its "
            f"last; accepted: at most {len(found)}"
        )
    classes = network.output_shape[-1]
    made = []
    for number, layer in enumerate(found[len(found) - count :]):
        dense = keras.layers.Dense(classes, name=f"auxiliary_{number}", dtype="float32")
        dense.build((None, layer.get_output_at(0).shape[-1]))
        made.append(AuxiliaryClassifier(layer.name, dense))
    return tuple(made)
