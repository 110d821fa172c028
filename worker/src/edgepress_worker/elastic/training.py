"""Trains an elastic network by the sandwich rule, with distillation within.

In each step (Yu and Huang 2019, arXiv:1903.05134, algorithm 1):

1. The whole network predicts the batch; its loss is that of plain training.
2. The smallest network and, if there are more, a random other one take their weights from the whole network. Their loss
   is the cross-entropy with the whole network's predictions, which count as constants. Networks for smaller images get
   the same images, reduced by a bilinear filter that averages, like the one that packs are made with.
3. The gradients are added up in the whole network's weights, which the optimizer updates.

Normalizations use the statistics of the batch at each size. The random choice depends only on the seed and the
optimizer's number of steps, and so does the phase of a progressive training: a resumed one makes the same choices.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgepress_worker.elastic.smaller import Smaller
from edgepress_worker.keras_environment import keras, tf

_Part = Callable[[], list[tf.Tensor]]


def reduced(images: tf.Tensor, side: int) -> tf.Tensor:
    """Return smaller images ``(batch, side, side, 3)``, reduced as by Pillow's bilinear filter, which packs use."""
    return tf.image.resize(images, (side, side), antialias=True)


@dataclass(frozen=True)
class Phase:
    """A part of a training.

    Attributes:
        count: Number of smaller networks that are trained: the first ones.
        begins: Number of the optimizer's step that it begins with.
    """

    count: int
    begins: int


class ElasticModel(keras.Model):
    """A network in training, together with smaller ones.

    Args:
        network: The whole network; it is trained in place.
        smaller: Smaller networks that share its weights; in each phase, the smallest is the last.
        seed: Seed of the choice among them.
        phases: The phases, the first beginning with step 0.
    """

    def __init__(
        self, network: keras.Model, smaller: Sequence[Smaller], seed: int, *, phases: Sequence[Phase] = ()
    ) -> None:
        super().__init__(name=network.name)
        self.network = network
        self.smaller_networks = [each.network for each in smaller]  # so that their random layers are seeded
        self._smaller = tuple(smaller)
        self._seed = seed
        self._phases = tuple(phases) or (Phase(len(smaller), 0),)

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        """The variables that the optimizer updates."""
        return self.network.trainable_weights

    @tf.autograph.experimental.do_not_convert  # converting takes longer than tracing, and nothing needs it
    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: FBT001 - as Keras calls it
        """Return the output of the whole network."""
        return self.network(inputs, training=training)

    @tf.autograph.experimental.do_not_convert
    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Run a training step, see the module; called by `fit`."""
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        variables = self.network.trainable_variables
        with tf.GradientTape() as tape:
            predicted = self(images, training=True)
            loss = self._scaled(self.compute_loss(images, labels, predicted, weights))
        taught = tf.stop_gradient(predicted)
        branches = [functools.partial(self._gradients, each, images, taught, weights) for each in self._smaller]
        parts = [tape.gradient(loss, variables), *self._chosen(branches)]
        gradients = [tf.add_n(list(each)) for each in zip(*parts, strict=True)]
        if self._scales_loss:
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(images, labels, predicted, weights)

    def _chosen(self, branches: Sequence[_Part]) -> Iterator[list[tf.Tensor]]:
        """Yield the gradients from the smallest network of the phase, and from a random other one."""
        steps, others = self.optimizer.iterations, tf.constant(len(branches) - 1)
        if len(self._phases) == 1:
            yield branches[-1]()
            branches = branches[:-1]
        else:
            begun = tf.reduce_sum([tf.cast(steps >= phase.begins, tf.int32) for phase in self._phases])
            others = tf.gather([phase.count - 1 for phase in self._phases], begun - 1)
            yield tf.switch_case(others, branches)
        if len(self._smaller) > 1:
            number = tf.random.stateless_uniform([], [self._seed, steps], 0, tf.maximum(others, 1), tf.int32)
            chosen = tf.where(others > 0, others - 1 - number, len(branches))
            yield tf.switch_case(chosen, [*branches, self._nothing])

    def _nothing(self) -> list[tf.Tensor]:
        return [tf.zeros_like(variable) for variable in self.network.trainable_variables]

    def _gradients(self, smaller: Smaller, images: tf.Tensor, taught: tf.Tensor, weights: tf.Tensor) -> list[tf.Tensor]:
        """Return the gradients of the whole network's variables from a smaller network's loss."""
        for each in smaller.shared:
            each.load()
        side = smaller.network.input_shape[1]
        if side != images.shape[1]:
            images = reduced(images, side)
        with tf.GradientTape() as tape:
            predicted = smaller.network(images, training=True)
            losses = keras.losses.categorical_crossentropy(taught, predicted)
            loss = self._scaled(tf.reduce_mean(weights * losses))
        found = tape.gradient(loss, [each.own for each in smaller.shared])
        spread = {each.wide.ref(): each.spread(part) for each, part in zip(smaller.shared, found, strict=True)}
        variables = self.network.trainable_variables
        return [spread.get(variable.ref(), tf.zeros_like(variable)) for variable in variables]

    def _scaled(self, loss: tf.Tensor) -> tf.Tensor:
        return self.optimizer.get_scaled_loss(loss) if self._scales_loss else loss

    @property
    def _scales_loss(self) -> bool:
        return isinstance(self.optimizer, keras.mixed_precision.LossScaleOptimizer)
