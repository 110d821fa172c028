"""Trains a network to predict what its teacher predicts.

With w the weight of an image, the loss of a batch is the mean of

    w (alpha CE(labels, student) + (1 - alpha) T^2 KL(teacher || student))

The first term is the loss of plain training, including label smoothing; for the second, see `loss`. Validation is that
of plain training. The teacher's logits are part of the batch or are computed in the step.
"""

from collections.abc import Callable
from typing import Any

from edgepress_worker.distillation.logits import logits_of
from edgepress_worker.distillation.loss import divergence
from edgepress_worker.keras_environment import keras, tf


class Student(keras.Model):
    """A network in training, as a Keras model that learns from a teacher.

    Args:
        network: Network from pixels to probabilities; it is trained in place.
        alpha: Weight of the labels in the loss, 0 to 1; the teacher has the rest.
        temperature: Divisor of the logits.
        teach: Function that returns the teacher's logits for a batch of pixels; None if the batches contain them. It is
            a plain function, because a model would become a part of this one and be trained, saved and seeded with it.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        alpha: float,
        temperature: float,
        teach: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ) -> None:
        super().__init__(name=network.name)
        self.network = network
        self._with_logits = keras.Model(network.inputs, [logits_of(network), network.output])
        self._alpha = alpha
        self._temperature = temperature
        self._teach = teach
        self._whole_loss = keras.metrics.Mean(name="whole_loss")

    @tf.autograph.experimental.do_not_convert  # converting takes longer than tracing, and nothing needs it
    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: FBT001 - as Keras calls it
        """Return the output of the network."""
        return self.network(inputs, training=training)

    @tf.autograph.experimental.do_not_convert
    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Run a training step, see the module; called by `fit`.

        Args:
            data: Batch of `training_batches`, with the teacher's logits unless ``teach`` computes them.
        """
        images, labels, weights = data[:3]
        taught = data[3] if self._teach is None else self._teach(images)
        with tf.GradientTape() as tape:
            logits, predicted = self._with_logits(images, training=True)
            from_labels = self.compute_loss(images, labels, predicted, weights)
            from_teacher = tf.reduce_mean(weights * divergence(taught, logits, self._temperature))
            loss = self._alpha * from_labels + (1 - self._alpha) * from_teacher
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        self._whole_loss.update_state(loss, sample_weight=tf.shape(images)[0])
        metrics = self.compute_metrics(images, labels, predicted, weights)
        return {"loss": self._whole_loss.result(), "accuracy": metrics["accuracy"]}
