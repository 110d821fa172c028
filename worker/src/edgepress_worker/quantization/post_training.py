"""Quantization after training: prepares a network so that its int8 file is nearer to the network that was trained.

1. Normalizations are multiplied into the weights before them (`folding`), and scales are moved between channels
   (`equalization`).
2. The range of each tensor that int8 rounds is chosen from its values for the calibration images (`range_search`).
3. Layer by layer or block by block (`blocks`), in the order of the data flow, with the inputs that the layers before it
   have after rounding: the weights are rounded (`rounding`), and the mean error that is left in each output channel is
   subtracted from the bias (bias correction: Nagel et al. 2019, arXiv:1906.04721, section 4.2, empirical as in its
   appendix D).

The images are not labelled. The result is deterministic.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgepress_common.spec.calibration import CalibrationSettings
from edgepress_worker.compression.kernels import Kernel, find_kernels
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Layer, calls, consumers, copy_of, rebuild
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.quantization.blocks import Block, blocks_of
from edgepress_worker.quantization.equalization import equalized
from edgepress_worker.quantization.folding import folded
from edgepress_worker.quantization.range_search import Histogram, find_range
from edgepress_worker.quantization.rounding import ToRound, adaptively_rounded
from edgepress_worker.quantization.weight_grids import WeightGrid
from edgepress_worker.quantization.with_ranges import range_of, with_ranges

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
        """Round the weights of a network and correct its biases, layer by layer or block by block.

        Args:
            reference: The network in float, folded.
            made: The same network, perhaps with ranges; it is changed.
        """
        taken_by = consumers(reference)
        # A layer that is used twice has two inputs; the converter rounds it to the nearest code.
        kernels = [each for each in find_kernels(made) if len(made.get_layer(each.layer).inbound_nodes) == 1]
        if self.settings.rounding == "adaround" and self.settings.rounding_scope == "block":
            by_name = {kernel.layer: kernel for kernel in kernels}
            for block in blocks_of(reference):
                inside = [by_name[layer.name] for layer in block.kernels if layer.name in by_name]
                self._round_block(reference, made, block, inside)
                self._correct_biases(reference, made, inside)
            return
        for kernel in kernels:
            layer = made.get_layer(kernel.layer)
            weights, bias = layer.get_weights()
            if self.settings.rounding == "adaround":
                after = tf.nn.relu if _relu_follows(taken_by[layer.name]) else tf.identity
                apply = functools.partial(_applied, _Applied(layer, bias, after))
                (rounded,) = adaptively_rounded(
                    [self._to_round(kernel, weights)],
                    apply,
                    self._examples(
                        keras.Model(made.input, layer.input),
                        keras.Model(reference.input, reference.get_layer(kernel.layer).output),
                        after,
                    ),
                    steps=self.settings.rounding_steps,
                    seed=self.seed,
                )
            else:
                grid = self.grids(kernel)
                rounded = grid.rounded(weights, grid.scales(weights, kernel.within_channel_axes))
            layer.set_weights([rounded, bias])
            self._correct_biases(reference, made, [kernel])

    def _round_block(self, reference: keras.Model, made: keras.Model, block: Block, kernels: Sequence[Kernel]) -> None:
        layers = [made.get_layer(kernel.layer) for kernel in kernels]
        function = _BlockFunction(
            made, block, [_Applied(layer, layer.get_weights()[1], tf.identity) for layer in layers]
        )
        found = adaptively_rounded(
            [self._to_round(kernel, layer.get_weights()[0]) for kernel, layer in zip(kernels, layers, strict=True)],
            function,
            self._examples(
                keras.Model(made.input, function.source),
                keras.Model(reference.input, reference.get_layer(block.end).output),
                tf.identity,
            ),
            steps=self.settings.rounding_steps,
            seed=self.seed,
        )
        for layer, rounded in zip(layers, found, strict=True):
            layer.set_weights([rounded, layer.get_weights()[1]])

    def _to_round(self, kernel: Kernel, weights: npt.NDArray[np.float32]) -> ToRound:
        grid = self.grids(kernel)
        return ToRound(weights, grid.scales(weights, kernel.within_channel_axes), grid.codes)

    def _correct_biases(self, reference: keras.Model, made: keras.Model, kernels: Sequence[Kernel]) -> None:
        if not self.settings.bias_correction:
            return
        for kernel in kernels:
            layer = made.get_layer(kernel.layer)
            rounded, bias = layer.get_weights()
            wanted = keras.Model(reference.input, reference.get_layer(kernel.layer).output)
            layer.set_weights([rounded, bias + self._mean_error(wanted, keras.Model(made.input, layer.output))])

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

    @property
    def name(self) -> str:
        """Name of the layer."""
        return str(self.layer.name)

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


def _applied(apply: _Applied, inputs: tf.Tensor, kernels: Sequence[tf.Tensor]) -> tf.Tensor:
    (kernel,) = kernels
    return apply(inputs, kernel)


class _BlockFunction:
    """A block of a network with other kernels.

    Args:
        network: The network, perhaps with ranges within the block and behind its input.
        block: The block.
        applied: The layers that get other kernels.
    """

    def __init__(self, network: keras.Model, block: Block, applied: Sequence[_Applied]) -> None:
        flow = calls(network)
        number = {call.layer.name: call.output for call in flow}
        self._begin = number.get(range_of(block.source), number[block.source])
        self._end = number[block.end]
        self._inside = flow[self._begin + 1 : self._end + 1]
        self._applied = applied
        self.source: tf.Tensor = flow[self._begin].layer.output

    def __call__(self, inputs: tf.Tensor, kernels: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the block's output for a batch of inputs."""
        given = {each.name: (each, kernel) for each, kernel in zip(self._applied, kernels, strict=True)}
        found = {self._begin: inputs}
        for call in self._inside:
            taken = [found[number] for number in call.inputs]
            if call.layer.name in given:
                apply, kernel = given[call.layer.name]
                found[call.output] = apply(taken[0], kernel)
            else:
                found[call.output] = call.apply(taken)
        return found[self._end]
