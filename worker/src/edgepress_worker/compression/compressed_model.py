"""Trains a network some of whose kernels are compressed.

A step: the kernels are made from their masters; forward and back through the plain network; the optimizer moves masters
in place of kernels, and everything else itself. At an epoch's end the kernels are made once more (`ProjectKernels`), so
the network that is validated, saved and handed on holds what it promises.
"""

from collections.abc import Sequence
from typing import Any

from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.keras_environment import keras, tf


class CompressedModel(keras.Model):
    """A network in training, seen by Keras as a model that trains masters.

    Args:
        network: Is trained in place.
        kernels: Those of its kernels that are compressed.
    """

    def __init__(self, network: keras.Model, kernels: Sequence[CompressedKernel]) -> None:
        super().__init__(name=network.name)
        self.network = network
        self.kernels = list(kernels)
        self.project()

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        """What the optimizer moves."""
        return [variable for _, variables in self._trained() for variable in variables]

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: FBT001 - as Keras calls it
        """The network's output."""
        return self.network(inputs, training=training)

    def project(self) -> None:
        """Makes the kernels from their masters."""
        for kernel in self.kernels:
            kernel.project()

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """See above; called by `fit`."""
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        self.project()
        with tf.GradientTape() as tape:
            predicted = self(images, training=True)
            loss = self.compute_loss(images, labels, predicted, weights)
            scaled = self.optimizer.get_scaled_loss(loss) if self._scales_loss else loss
        gradients = tape.gradient(scaled, self.network.trainable_variables)
        if self._scales_loss:
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(self._moves(gradients))
        return self.compute_metrics(images, labels, predicted, weights)

    @property
    def _scales_loss(self) -> bool:
        return isinstance(self.optimizer, keras.mixed_precision.LossScaleOptimizer)

    def _trained(self) -> list[tuple[CompressedKernel | None, list[tf.Variable]]]:
        """For each of the network's variables its compressed kernel, if it is one, and what is moved in its place."""
        compressed = {kernel.kernel.variable.ref(): kernel for kernel in self.kernels}
        found = [(compressed.get(variable.ref()), variable) for variable in self.network.trainable_variables]
        return [(kernel, [variable] if kernel is None else kernel.trained) for kernel, variable in found]

    def _moves(self, gradients: Sequence[tf.Tensor]) -> list[tuple[tf.Tensor, tf.Variable]]:
        moves: list[tuple[tf.Tensor, tf.Variable]] = []
        for (kernel, variables), gradient in zip(self._trained(), gradients, strict=True):
            moves += zip([gradient] if kernel is None else kernel.gradients(gradient), variables, strict=True)
        return moves


class ProjectKernels(keras.callbacks.Callback):
    """Makes the kernels from what the epoch's last step has left of their masters.

    Args:
        model: What is trained.
    """

    def __init__(self, model: CompressedModel) -> None:
        super().__init__()
        self._trained = model

    def on_epoch_end(self, _epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Before the validation."""
        self._trained.project()
