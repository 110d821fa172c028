"""Trains a network with compressed kernels.

In a step, the kernels are computed from their masters, followed by the forward and backward pass of the plain network;
the optimizer then updates masters instead of compressed kernels, and all other variables. At the end of an epoch, the
kernels are computed once more (`ProjectKernels`), so that the network that is validated, saved and passed on fulfils
its promises.
"""

from collections.abc import Sequence
from typing import Any

from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.keras_environment import keras, tf


class CompressedModel(keras.Model):
    """A network in training, as a Keras model that trains masters.

    Args:
        network: The network; it is trained in place.
        kernels: Its compressed kernels.
    """

    def __init__(self, network: keras.Model, kernels: Sequence[CompressedKernel]) -> None:
        super().__init__(name=network.name)
        self.network = network
        self.kernels = list(kernels)
        self.project()

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        """The variables that the optimizer updates."""
        return [variable for _, variables in self._trained() for variable in variables]

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
        """Run a training step, see the module; called by `fit`."""
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
        """Return, for each variable of the network, its compressed kernel or None, and the variables to train."""
        compressed = {kernel.kernel.variable.ref(): kernel for kernel in self.kernels}
        found = [(compressed.get(variable.ref()), variable) for variable in self.network.trainable_variables]
        return [(kernel, [variable] if kernel is None else kernel.trained) for kernel, variable in found]

    def _moves(self, gradients: Sequence[tf.Tensor]) -> list[tuple[tf.Tensor, tf.Variable]]:
        moves: list[tuple[tf.Tensor, tf.Variable]] = []
        for (kernel, variables), gradient in zip(self._trained(), gradients, strict=True):
            moves += zip([gradient] if kernel is None else kernel.gradients(gradient), variables, strict=True)
        return moves


class ProjectKernels(keras.callbacks.Callback):
    """Computes the kernels from their masters after the last step of an epoch.

    Args:
        model: The model in training.
    """

    def __init__(self, model: CompressedModel) -> None:
        super().__init__()
        self._trained = model

    def on_epoch_end(self, _epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Project the kernels before the validation."""
        self._trained.project()
