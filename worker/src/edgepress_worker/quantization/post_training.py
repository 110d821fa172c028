"""Quantization after training: prepares a network so that its int8 file is nearer to the network that was trained.

1. Normalizations are multiplied into the weights before them (`folding`), and scales are moved between channels
   (`equalization`).
2. The range of each tensor that int8 rounds is chosen from its values for the calibration images (`range_search`).
3. Layer by layer, in the order of the data flow, with the inputs that the layers before it have after rounding: the
   weights are rounded (`rounding`), and the mean error that is left in each output channel is subtracted from the bias
   (bias correction: Nagel et al. 2019, arXiv:1906.04721, section 4.2, empirical as in its appendix D).

The images are not labelled. The result is deterministic.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgepress_common.spec.calibration import CalibrationSettings
from edgepress_worker.compression.kernels import Kernel, find_kernels
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Layer, consumers, copy_of, rebuild
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.quantization.equalization import equalized
from edgepress_worker.quantization.folding import folded
from edgepress_worker.quantization.range_search import Histogram, find_range
from edgepress_worker.quantization.rounding import adaptively_rounded
from edgepress_worker.quantization.weight_grids import WeightGrid
from edgepress_worker.quantization.with_ranges import with_ranges

Batches = Callable[[], Iterator[npt.NDArray[np.float32]]]
"""Function that returns a new iterator over calibration images, ``(batch, side, side, 3)``, pixels from 0 to 255."""

_EXAMPLE_BYTES = 2**30  # of one layer's inputs and outputs, which AdaRound keeps in memory


@dataclass(frozen=True)
class PostTraining:
    """Quantization of one network.

    Attributes:
        settings: Settings of the calibration.
        grids: Function that returns the grid of a layer's weights.
        always_rounds: Whether the weights are rounded in any case, because the converter would use other codes.
        batches: Calibration images.
        seed: Seed for AdaRound's choice of images.
    """

    settings: CalibrationSettings
    grids: Callable[[Kernel], WeightGrid]
    batches: Batches
    seed: int
    always_rounds: bool = False

    def prepare(self, network: keras.Model) -> keras.Model:
        """Return a network whose int8 file is to be written instead; the given network is not changed."""
        settings = self.settings
        rounds = settings.bias_correction or settings.rounding == "adaround" or self.always_rounds
        base = folded(network) if rounds or settings.equalization else network
        if settings.equalization:
            base = equalized(base)
        made = rebuild(base, replace=copy_of) if settings.ranges == "min_max" else self.with_found_ranges(base)
        if rounds:
            self.round_layers(base, made)
        return made

    def with_found_ranges(self, network: keras.Model) -> keras.Model:
        """Return a network with a range after each layer that int8 rounds, chosen from the calibration images."""
        made = with_ranges(network, momentum=0.0)
        watched = [layer for layer in made.layers if isinstance(layer, ActivationRange)]
        tapped = keras.Model(network.input, [_before(made, network, layer) for layer in watched])
        extremes = [
            [(float(values.min()), float(values.max())) for values in _outputs(tapped, batch)]
            for batch in self.batches()
        ]
        lows, highs = np.min(extremes, axis=0)[:, 0], np.max(extremes, axis=0)[:, 1]
        histograms = [Histogram.between(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]
        for batch in self.batches():
            for histogram, values in zip(histograms, _outputs(tapped, batch), strict=True):
                histogram.add(values)
        for layer, histogram in zip(watched, histograms, strict=True):
            layer.set_weights(find_range(histogram, self.settings.ranges, self.settings.percentile))
        return made

    def round_layers(self, reference: keras.Model, made: keras.Model) -> None:
        """Round the weights of a network and correct its biases, layer by layer.

        Args:
            reference: The network in float, folded.
            made: The same network, perhaps with ranges; it is changed.
        """
        taken_by = consumers(reference)
        for kernel in find_kernels(made):
            wanted, layer = reference.get_layer(kernel.layer), made.get_layer(kernel.layer)
            if len(layer.inbound_nodes) != 1:
                continue  # a layer that is used twice has two inputs; the converter rounds it to the nearest code
            weights, bias = layer.get_weights()
            grid = self.grids(kernel)
            scales = grid.scales(weights, kernel.within_channel_axes)
            inputs = keras.Model(made.input, layer.input)
            outputs = keras.Model(reference.input, wanted.output)
            if self.settings.rounding == "adaround":
                after = tf.nn.relu if _relu_follows(taken_by[layer.name]) else tf.identity
                rounded = adaptively_rounded(
                    weights,
                    scales,
                    grid.codes,
                    _Applied(layer, bias, after),
                    self._examples(inputs, outputs, after),
                    steps=self.settings.rounding_steps,
                    seed=self.seed,
                )
            else:
                rounded = grid.rounded(weights, scales)
            layer.set_weights([rounded, bias])
            if self.settings.bias_correction:
                layer.set_weights([rounded, bias + self._mean_error(outputs, keras.Model(made.input, layer.output))])

    def _examples(
        self, inputs: keras.Model, outputs: keras.Model, after: Callable[[tf.Tensor], tf.Tensor]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        found: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]] = []
        used = 0
        for batch in self.batches():
            found.append((inputs(batch, training=False).numpy(), after(outputs(batch, training=False)).numpy()))
            used += sum(part.nbytes for part in found[-1])
            if used > _EXAMPLE_BYTES:
                break
        first, second = zip(*found, strict=True)
        return np.concatenate(first), np.concatenate(second)

    def _mean_error(self, outputs: keras.Model, rounded: keras.Model) -> npt.NDArray[np.float32]:
        """Return what the rounded network's output lacks on average, ``(channels,)``."""
        total, count = 0.0, 0
        for batch in self.batches():
            error = (outputs(batch, training=False) - rounded(batch, training=False)).numpy()
            error = error.reshape(-1, error.shape[-1]).astype(np.float64)
            total, count = total + error.sum(axis=0), count + len(error)
        return np.asarray(total / count, np.float32)


def _before(made: keras.Model, network: keras.Model, layer: ActivationRange) -> tf.Tensor:
    """Return the tensor of the network without ranges that a range rounds in the other."""
    (node,) = made.get_layer(layer.name).inbound_nodes
    return network.get_layer(node.inbound_layers.name).output


def _outputs(tapped: keras.Model, batch: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    return [values.numpy() for values in tf.nest.flatten(tapped(batch, training=False))]


def _relu_follows(users: list[Layer]) -> bool:
    return len(users) == 1 and (
        isinstance(users[0], keras.layers.ReLU) or getattr(users[0], "activation", None) is keras.activations.relu
    )


@dataclass(frozen=True)
class _Applied:
    """A layer with another kernel, and what follows it."""

    layer: Layer
    bias: npt.NDArray[np.float32]
    after: Callable[[tf.Tensor], tf.Tensor]

    def __call__(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Return the output for a batch of inputs."""
        return self.after(self._product(inputs, kernel) + self.bias)

    def _product(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        layer = self.layer
        match layer:
            case keras.layers.DepthwiseConv2D():
                return keras.backend.depthwise_conv2d(
                    inputs,
                    kernel,
                    strides=layer.strides,
                    padding=layer.padding,
                    dilation_rate=layer.dilation_rate,
                    data_format=layer.data_format,
                )
            case keras.layers.Conv2D():
                return layer.convolution_op(inputs, kernel)
            case _:
                return tf.matmul(inputs, kernel)
