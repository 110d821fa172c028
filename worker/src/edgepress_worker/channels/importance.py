"""The criteria that rank the units of a network: a number for each unit, the higher, the more important.

A unit can have filters in several layers, such as those of a residual stream. The norms and factors of a layer (or
normalization) are divided by their mean, so that layers of different size count alike; a unit has the mean of its
layers. Units of different layers can then be compared, which the allocation ``global`` does.

- l1, l2: norm of the filter (Li et al. 2017, arXiv:1608.08710)
- fpgm: sum of the distances of the filter from all filters of its layer: a filter near the geometric median can be
  replaced by others (He et al. 2019, arXiv:1811.00250, equation 6)
- bn_scale: absolute factor of a normalization (Liu et al. 2017, Network Slimming, arXiv:1708.06519)
- taylor: squared first-order change of the loss without the unit, the mean over batches (Molchanov et al. 2019,
  arXiv:1906.10771, equations 7 and 8); not divided by means, because it is in the same unit everywhere
- random: uniformly distributed, as a control
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from edgepress_common.errors import InvalidInputError
from edgepress_worker.channels.groups import Group, Grouped
from edgepress_worker.keras_environment import keras, tf

Scores = npt.NDArray[np.float64]
"""A number for each unit ``(units,)``, or for each channel ``(channels,)``."""

Batches = Iterable[tuple[tf.Tensor, tf.Tensor]]
"""Pixels ``(batch, side, side, 3)`` and one-hot labels ``(batch, classes)``."""


@dataclass(frozen=True)
class Candidates:
    """The units to rank.

    Attributes:
        network: The network, in float32.
        grouped: Its groups.
        groups: The groups that can lose units.
        batches: Function that returns some training batches, the same ones each time.
        seed: Seed of the criterion.
    """

    network: keras.Model
    grouped: Grouped
    groups: tuple[Group, ...]
    batches: Callable[[], Batches]
    seed: int

    def kernels(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the filters of each layer that makes channels, as rows ``(channels, weights)``."""
        kernels = {}
        for name in self.grouped.flow.made:
            layer = self.network.get_layer(name)
            if layer.weights:
                kernel = layer.kernel.numpy()
                kernels[name] = kernel.reshape(-1, kernel.shape[-1]).T
        return kernels


def importance(criterion: str, candidates: Candidates) -> Scores:
    """Return the importance of each unit; 0 for units that can't be removed.

    Args:
        criterion: A criterion of the stage ``prune_channels``.
        candidates: The units.

    Raises:
        InvalidInputError: The criterion can't rank a group.
    """
    return _CRITERIA[criterion](candidates)


def _l1(candidates: Candidates) -> Scores:
    return _by_layer(candidates, {name: np.abs(rows).sum(axis=1) for name, rows in candidates.kernels().items()})


def _l2(candidates: Candidates) -> Scores:
    return _by_layer(candidates, {name: np.linalg.norm(rows, axis=1) for name, rows in candidates.kernels().items()})


def _fpgm(candidates: Candidates) -> Scores:
    return _by_layer(candidates, {name: cdist(rows, rows).sum(axis=1) for name, rows in candidates.kernels().items()})


def _bn_scale(candidates: Candidates) -> Scores:
    grouped = candidates.grouped
    totals, counts = np.zeros((2, grouped.unit_count))
    for call in grouped.flow.calls:
        if isinstance(call.layer, keras.layers.BatchNormalization) and call.layer.scale:
            units = grouped.unit_of[grouped.flow.channels[call.output]]
            factors = np.abs(call.layer.gamma.numpy())
            np.add.at(totals, units, factors / max(factors.mean(), _TINY))
            np.add.at(counts, units, 1)
    for group in candidates.groups:
        if not counts[group.units].all():
            raise InvalidInputError(
                f"criterion bn_scale can't rank the channels of {group}, which no normalization with a factor follows; "
                "accepted: another criterion, or layers.exclude with these layers"
            )
    return totals / np.maximum(counts, 1)


def _taylor(candidates: Candidates) -> Scores:
    grouped = candidates.grouped
    gates = _gates(candidates)
    variables = [variable for each in gates.values() for variable in each]

    @tf.function(reduce_retracing=True)  # the last batch is smaller
    def gradients(pixels: tf.Tensor, labels: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            # In inference, normalizations are constants: in training, the loss does not depend on a filter's norm.
            predicted = candidates.network(pixels, training=False)
            loss = tf.reduce_mean(keras.losses.categorical_crossentropy(labels, predicted))
        return tape.gradient(loss, variables)

    total, batches = np.zeros(grouped.unit_count), 0
    for pixels, labels in candidates.batches():
        changes = np.zeros(grouped.unit_count)
        found = iter(gradients(pixels, labels))
        for layer, parts in gates.items():
            units = grouped.unit_of[grouped.flow.made[layer]]
            for variable in parts:
                product = (next(found) * variable).numpy()
                np.add.at(changes, units, product.reshape(-1, product.shape[-1]).sum(axis=0))
        total += changes**2
        batches += 1
    return total / max(batches, 1)


def _gates(candidates: Candidates) -> dict[str, list[tf.Variable]]:
    """Return, for each layer that makes channels, the variables whose product with the gradient is the change.

    These are factor and shift of a normalization that alone reads the layer (equation 9, "Taylor-FO-BN"), otherwise
    kernel and bias of the layer.
    """
    calls = candidates.grouped.flow.calls
    gates = {}
    for call in calls:
        layer = call.layer
        if layer.name not in candidates.grouped.flow.made or not layer.weights:
            continue
        readers = [other.layer for other in calls if call.output in other.inputs]
        match readers:
            case [keras.layers.BatchNormalization(scale=True, center=True) as norm]:
                gates[layer.name] = [norm.gamma, norm.beta]
            case _:
                gates[layer.name] = list(layer.weights)
    return gates


def _random(candidates: Candidates) -> Scores:
    return np.random.default_rng(candidates.seed).uniform(size=candidates.grouped.unit_count)


_TINY = np.finfo(np.float32).tiny  # a layer of zeros has no mean to divide by


def _by_layer(candidates: Candidates, of_layers: Mapping[str, npt.NDArray[np.floating]]) -> Scores:
    """Return the mean over the layers of each unit, given a number for each channel of each layer."""
    grouped = candidates.grouped
    totals, counts = np.zeros((2, grouped.unit_count))
    for name, scores in of_layers.items():
        units = grouped.unit_of[grouped.flow.made[name]]
        np.add.at(totals, units, scores / max(scores.mean(), _TINY))
        np.add.at(counts, units, 1)
    return totals / np.maximum(counts, 1)


_CRITERIA: Mapping[str, Callable[[Candidates], Scores]] = {
    "l1": _l1,
    "l2": _l2,
    "fpgm": _fpgm,
    "bn_scale": _bn_scale,
    "taylor": _taylor,
    "random": _random,
}
