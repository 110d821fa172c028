"""Trains a network to say what its teacher says.

With w an image's weight, the loss of a batch is the mean of

    w (alpha CE(labels, student) + (1 - alpha) T^2 KL(teacher || student))

The first part is what plain training has, smoothed labels included; the second see `loss`. Validation is that of plain
training. What the teacher says comes with the batch, or it is asked in the step.
"""

from collections.abc import Callable
from typing import Any

from edgepress_worker.distillation.logits import logits_of
from edgepress_worker.distillation.loss import divergence
from edgepress_worker.keras_environment import keras, tf


class Student(keras.Model):
    """A network in training, seen by Keras as a model that listens to a teacher.

    Args:
        network: From pixels to probabilities; is trained in place.
        alpha: Weight of the labels in the loss; the teacher has the rest.
        temperature: What logits are divided by before comparing.
        teach: Gives the teacher's logits for a batch of pixels; None if they come with the batches. A plain function,
            because a model would become a part of this one: trained, saved and seeded with it.
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

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: FBT001 - as Keras calls it
        """The network's output."""
        return self.network(inputs, training=training)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """See above; called by `fit`.

        Args:
            data: As `training_batches` gives it, with the teacher's logits unless the teacher is asked here.
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
