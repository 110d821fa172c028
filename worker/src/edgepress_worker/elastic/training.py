"""Trains an elastic network by the sandwich rule, with distillation within.

In each step (Yu and Huang 2019, arXiv:1903.05134, algorithm 1):

1. The wide network predicts the batch; its loss is that of plain training.
2. The narrowest network and, if there are more, a random other one take their weights from the wide network. Their loss
   is the cross-entropy with the wide network's predictions, which count as constants.
3. The gradients are added up in the wide network's weights, which the optimizer updates.

Normalizations use the statistics of the batch at each width. The random choice depends only on the seed and the
optimizer's number of steps, so that a resumed training makes the same choices.
"""

from collections.abc import Sequence
from typing import Any

from edgepress_worker.elastic.narrower import Narrower
from edgepress_worker.keras_environment import keras, tf


class ElasticModel(keras.Model):
    """A wide network in training, together with narrower ones.

    Args:
        network: The wide network; it is trained in place.
        narrower: Narrower networks that share its weights, the narrowest first.
        seed: Seed of the choice among them.
    """

    def __init__(self, network: keras.Model, narrower: Sequence[Narrower], seed: int) -> None:
        super().__init__(name=network.name)
        self.network = network
        self.narrow_networks = [each.network for each in narrower]  # so that their random layers are seeded
        self._narrower = tuple(narrower)
        self._seed = seed

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        """The variables that the optimizer updates."""
        return self.network.trainable_weights

    @tf.autograph.experimental.do_not_convert  # converting takes longer than tracing, and nothing needs it
    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: FBT001 - as Keras calls it
        """Return the output of the wide network."""
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
        parts = [tape.gradient(loss, variables)]
        parts += [self._gradients(each, images, taught, weights) for each in self._narrower[:1]]
        if others := self._narrower[1:]:
            steps = self.optimizer.iterations
            number = tf.random.stateless_uniform([], [self._seed, steps], 0, len(others), tf.int32)
            branches = [lambda each=each: self._gradients(each, images, taught, weights) for each in others]
            parts.append(tf.switch_case(number, branches))
        gradients = [tf.add_n(list(each)) for each in zip(*parts, strict=True)]
        if self._scales_loss:
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(images, labels, predicted, weights)

    def _gradients(
        self, narrower: Narrower, images: tf.Tensor, taught: tf.Tensor, weights: tf.Tensor
    ) -> list[tf.Tensor]:
        """Return the gradients of the wide network's variables from a narrower network's loss."""
        for each in narrower.shared:
            each.load()
        with tf.GradientTape() as tape:
            predicted = narrower.network(images, training=True)
            losses = keras.losses.categorical_crossentropy(taught, predicted)
            loss = self._scaled(tf.reduce_mean(weights * losses))
        found = tape.gradient(loss, [each.own for each in narrower.shared])
        spread = {each.wide.ref(): each.spread(part) for each, part in zip(narrower.shared, found, strict=True)}
        return [spread[variable.ref()] for variable in self.network.trainable_variables]

    def _scaled(self, loss: tf.Tensor) -> tf.Tensor:
        return self.optimizer.get_scaled_loss(loss) if self._scales_loss else loss

    @property
    def _scales_loss(self) -> bool:
        return isinstance(self.optimizer, keras.mixed_precision.LossScaleOptimizer)
