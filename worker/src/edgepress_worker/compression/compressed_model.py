"""Trains a network, with compressed kernels and with teachers.

In a step, the kernels are computed from their masters, followed by the forward and backward pass of the plain network;
the optimizer then updates masters instead of compressed kernels, and all other variables. At the end of an epoch, the
kernels are computed once more (`project`), so that the network that is validated, saved and passed on fulfils
its promises.
"""

from collections.abc import Sequence
from typing import Any

from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.distillation.auxiliary import SupervisedLesson
from edgepress_worker.distillation.hints import outputs_of
from edgepress_worker.distillation.lesson import Batch, Lesson
from edgepress_worker.distillation.logits import logits_of
from edgepress_worker.keras_environment import keras, tf


class CompressedModel(keras.Model):
    """A network in training, as a Keras model that trains masters.

    Args:
        network: The network; it is trained in place.
        kernels: Its compressed kernels.
        lesson: What it learns from teachers or in intermediate layers; None to learn from the labels alone.
    """

    def __init__(
        self,
        network: keras.Model,
        kernels: Sequence[CompressedKernel],
        lesson: Lesson | SupervisedLesson | None = None,
    ) -> None:
        super().__init__(name=network.name)
        self.network = network
        self.kernels = list(kernels)
        self._lesson = lesson
        if lesson is not None:
            hinted = outputs_of(network, [hint.layer for hint in lesson.hints], "student")
            self._with_logits = keras.Model(network.inputs, [logits_of(network), *hinted, network.output])
            self.adapters = [hint.adapter for hint in lesson.hints if hint.adapter is not None]
            self._whole_loss = keras.metrics.Mean(name="whole_loss")
        self.project()

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        """The variables that the optimizer updates."""
        return [variable for _, variables in self._trained() for variable in variables]

    def bits_per_weight(self) -> float | None:
        """Return the estimated bits per weight of all kernels with a rate together; None without any."""
        rated = [kernel for kernel in self.kernels if kernel.has_rate]
        weights = sum(kernel.master.shape.num_elements() for kernel in rated)
        return sum(float(kernel.coded_bits()) for kernel in rated) / weights if rated else None

    @tf.autograph.experimental.do_not_convert  # converting takes longer than tracing, and nothing needs it
    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: FBT001 - as Keras calls it
        """Return the output of the network."""
        return self.network(inputs, training=training)

    @tf.function(autograph=False)  # traced and compiled once, for calls within a training step and outside
    def project(self) -> None:
        """Compute the kernels from their masters."""
        for kernel in self.kernels:
            kernel.project()

    @tf.autograph.experimental.do_not_convert
    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Run a training step, see the module; called by `fit`.

        Args:
            data: Batch of `training_batches`, with the teachers' logits unless the lesson computes them.
        """
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(data[:3])
        self.project()
        with tf.GradientTape() as tape:
            if self._lesson is None:
                predicted = self(images, training=True)
                loss = self.compute_loss(images, labels, predicted, weights)
            else:
                taught = self._lesson.taught(images, data[3:])
                *outputs, predicted = self._with_logits(images, training=True)
                from_labels = self.compute_loss(images, labels, predicted, weights)
                batch = Batch(labels, weights, taught)
                loss = self._lesson.loss(from_labels, batch, outputs, self.optimizer.iterations)
                self._whole_loss.update_state(loss, sample_weight=tf.shape(images)[0])
            scaled = self.optimizer.get_scaled_loss(loss) if self._scales_loss else loss
        gradients = tape.gradient(scaled, self._learning)
        if self._scales_loss:
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(self._moves(gradients))
        metrics = self.compute_metrics(images, labels, predicted, weights)
        if self._lesson is None:
            return metrics
        return {"loss": self._whole_loss.result(), "accuracy": metrics["accuracy"]}

    @property
    def _scales_loss(self) -> bool:
        return isinstance(self.optimizer, keras.mixed_precision.LossScaleOptimizer)

    @property
    def _learning(self) -> list[tf.Variable]:
        """The variables that have a gradient: those of the network, and those of adapters."""
        adapters = [] if self._lesson is None else self.adapters
        return [*self.network.trainable_variables, *(each for layer in adapters for each in layer.trainable_variables)]

    def _trained(self) -> list[tuple[CompressedKernel | None, list[tf.Variable]]]:
        """Return, for each variable that has a gradient, its compressed kernel or None, and the variables to train."""
        compressed = {kernel.kernel.variable.ref(): kernel for kernel in self.kernels}
        found = [(compressed.get(variable.ref()), variable) for variable in self._learning]
        return [(kernel, [variable] if kernel is None else kernel.trained) for kernel, variable in found]

    def _moves(self, gradients: Sequence[tf.Tensor]) -> list[tuple[tf.Tensor, tf.Variable]]:
        moves: list[tuple[tf.Tensor, tf.Variable]] = []
        for (kernel, variables), gradient in zip(self._trained(), gradients, strict=True):
            moves += zip([gradient] if kernel is None else kernel.gradients(gradient), variables, strict=True)
        return moves
