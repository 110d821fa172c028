"""Measures what int8 costs in each layer, by rounding as int8 does in the Keras network.

1. The network is folded (`folding`) and has a range after each layer that int8 rounds (`with_ranges`): ranges that
   were trained, or those of the calibration images.
2. The signal-to-noise ratio of a layer is 10 log10(sum y^2 / sum (y - z)^2) for the logits y of the network in float
   and the logits z with this layer alone rounded: its weights and the output of its operator.
3. The accuracy of a layer is that with everything rounded but the weights of this layer, which is how a file computes
   that keeps the layer in float: its inputs and its output are int8.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgepress_common.results import LayerSensitivity, Sensitivity
from edgepress_worker.compression.kernels import Kernel, find_kernels
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import MULTIPLYING_LAYERS, Layer, consumers, copy_of, rebuild
from edgepress_worker.pack import LabelledImages
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.quantization.folding import folded
from edgepress_worker.quantization.post_training import Batches, PostTraining
from edgepress_worker.quantization.with_ranges import has_ranges

_BATCH = 64
_LEAST_NOISE = 1e-12  # share of the signal's energy: a layer that changes nothing has a ratio of 120 dB

Weights = list[npt.NDArray[np.float32]]


def measure_sensitivity(network: keras.Model, quantization: PostTraining, images: LabelledImages) -> Sensitivity:
    """Return what int8 costs in each layer of a network.

    Args:
        network: The network to export, perhaps with trained ranges; it is not changed.
        quantization: How it is quantized.
        images: Validation images for the accuracies.
    """
    simulated = _Simulation(
        network if has_ranges(network) else quantization.with_found_ranges(folded(network)), quantization
    )

    def validation() -> Iterator[npt.NDArray[np.float32]]:
        for first in range(0, len(images), _BATCH):
            yield images.images[first : first + _BATCH].astype(np.float32)

    def accuracy(rounded: Collection[str], ranges: Collection[str]) -> float:
        return float((simulated.logits(validation, rounded, ranges).argmax(axis=1) == images.labels).mean())

    signal = simulated.logits(quantization.batches, (), ())
    names = set(simulated.layers)
    found = [
        LayerSensitivity(
            layer=name,
            signal_to_noise_db=_decibels(signal, simulated.logits(quantization.batches, (name,), layer.ranges)),
            accuracy=accuracy(names - {name}, simulated.ranges),
        )
        for name, layer in simulated.layers.items()
    ]
    return Sensitivity(
        images=len(images),
        float_accuracy=accuracy((), ()),
        int8_accuracy=accuracy(names, simulated.ranges),
        layers=tuple(sorted(found, key=lambda each: each.signal_to_noise_db)),
    )


@dataclass(frozen=True)
class _Simulated:
    """A layer with weights in float and rounded, and the range of its output if it has one."""

    layer: Layer
    plain: Weights
    rounded: Weights
    ranges: tuple[str, ...]


class _Simulation:
    """A network whose layers and ranges can be rounded one by one.

    Args:
        network: A network with ranges; it is not changed.
        quantization: How its weights are rounded.
    """

    def __init__(self, network: keras.Model, quantization: PostTraining) -> None:
        self._rounding: set[str] = set()
        made = rebuild(network, replace=self._replacement)
        taken_by = consumers(made)
        self.ranges = {layer.name for layer in made.layers if isinstance(layer, ActivationRange)}
        self.layers = {
            kernel.layer: _simulated(made.get_layer(kernel.layer), kernel, quantization, taken_by)
            for kernel in find_kernels(made)
        }
        end = made.layers[-1]
        has_softmax = getattr(end, "activation", None) is keras.activations.softmax and not end.weights
        self._network = keras.Model(made.input, end.input if has_softmax else made.output)

    def logits(self, batches: Batches, rounded: Collection[str], ranges: Collection[str]) -> npt.NDArray[np.float32]:
        """Return the logits ``(images, classes)`` with the weights of some layers and some ranges rounded."""
        for name, each in self.layers.items():
            each.layer.set_weights(each.rounded if name in rounded else each.plain)
        self._rounding.clear()
        self._rounding.update(ranges)
        return np.concatenate([self._network(batch, training=False).numpy() for batch in batches()])

    def _replacement(self, layer: Layer) -> Layer:
        if not isinstance(layer, ActivationRange):
            return copy_of(layer)
        made = _SwitchedRange.from_config(layer.get_config())
        made.rounding = self._rounding
        return made


class _SwitchedRange(ActivationRange):
    """A range that rounds only while a set has its name."""

    rounding: set[str]

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: FBT001 - as Keras calls it
        """Return the values, rounded if the set has the name of this layer."""
        return super().call(inputs, training=training) if self.name in self.rounding else inputs


def _simulated(
    layer: Layer, kernel: Kernel, quantization: PostTraining, taken_by: dict[str, list[Layer]]
) -> _Simulated:
    weights, *bias = layer.get_weights()
    grid = quantization.grids(kernel)
    rounded = grid.rounded(weights, grid.scales(weights, kernel.within_channel_axes))
    return _Simulated(layer, [weights, *bias], [rounded, *bias], _range_of(layer, taken_by))


def _range_of(layer: Layer, taken_by: dict[str, list[Layer]]) -> tuple[str, ...]:
    """Return the range of a layer's operator: the first one behind it, before a branch or another operator."""
    users = taken_by[layer.name]
    while len(users) == 1 and not isinstance(users[0], MULTIPLYING_LAYERS):
        if isinstance(users[0], ActivationRange):
            return (users[0].name,)
        users = taken_by[users[0].name]
    return ()


def _decibels(signal: npt.NDArray[Any], disturbed: npt.NDArray[Any]) -> float:
    energy = float((signal.astype(np.float64) ** 2).sum())
    noise = float(((disturbed - signal).astype(np.float64) ** 2).sum())
    return float(10 * np.log10(energy / max(noise, _LEAST_NOISE * energy))) if energy else 0.0
