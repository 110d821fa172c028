"""The criterion ``thinet``: units whose removal the next layer notices least, and the best rescaling of the others.

Luo et al. 2017, ThiNet, arXiv:1707.06342:

1. A value of the next layer's output is a sum of one contribution from each of its input channels (equation 2). The
   contributions are sampled at random places and output channels of some training images.
2. Units are removed one after the other, always the one with which the sum of all removed contributions has the least
   square (algorithm 1). Only the products of contributions are needed, a matrix ``(units, units)``.
3. The contributions of the kept units are multiplied by factors that reconstruct the whole sum best, by least squares
   (equation 7); they become part of the next layer's weights.

The importance of a unit is the error at its removal, relative to the square of the whole sum, so that units of
different layers can be compared. Where several layers read a group, such as a residual stream, the errors of all of
them are added, each relative to its own sum; each layer has factors of its own.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError
from edgepress_worker.channels.groups import Group
from edgepress_worker.channels.importance import Candidates, Scores
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Call

_PLACES = 10  # sampled in each image, as in the paper's section 3.2
_FILTERS = 4  # output channels that a batch is sampled for
_keras = keras.layers


@dataclass(frozen=True)
class Reconstruction:
    """The contributions of a group's units to a layer that reads them.

    Attributes:
        units: The units, ascending.
        layer: Name of the layer.
        reads: Unit of each input channel of the layer, those of other groups as well, ``(inputs,)``.
        products: Sum over the samples of the products of two units' contributions, ``(units, units)``.
    """

    units: npt.NDArray[np.int64]
    layer: str
    reads: npt.NDArray[np.int64]
    products: npt.NDArray[np.float64]

    @property
    def whole(self) -> float:
        """Square of the sum of all contributions."""
        return max(float(self.products.sum()), float(np.finfo(np.float32).tiny))

    @property
    def inputs(self) -> npt.NDArray[np.int64]:
        """Input channels of the layer that are units of the group."""
        return np.flatnonzero(np.isin(self.reads, self.units))

    def errors(self) -> Scores:
        """Return the importance of each unit, ``(units,)``."""
        count = len(self.units)
        errors, left = np.zeros(count), np.ones(count, bool)
        error, with_removed = 0.0, np.zeros(count)  # the square of the removed sum, and its product with each unit
        highest = 0.0
        for _ in range(count):
            after = np.where(left, error + 2 * with_removed + self.products.diagonal(), np.inf)
            unit = int(after.argmin())
            error, highest = float(after[unit]), max(highest, float(after[unit]))
            errors[unit] = highest / self.whole  # never less important than the units that were removed before it
            with_removed += self.products[unit]
            left[unit] = False
        return errors

    def factors(self, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Return the factors of the kept units, given whether each of the group's units is kept ``(units,)``."""
        of_kept = self.products[np.ix_(kept, kept)]
        return np.linalg.lstsq(of_kept, self.products[kept].sum(axis=1), rcond=None)[0]


def reconstructions(candidates: Candidates) -> tuple[Reconstruction, ...]:
    """Return the contributions of each group to each layer that reads it.

    Raises:
        InvalidInputError: No layer reads the channels of a group, or a layer that is called several times does.
    """
    readers = [(group, call) for group in candidates.groups for call in _readers(group, candidates)]
    read = _tensors(candidates.network, [call for _, call in readers])
    flow, unit_of = candidates.grouped.flow, candidates.grouped.unit_of
    found = [
        Reconstruction(
            np.sort(group.units),
            call.layer.name,
            unit_of[flow.channels[call.inputs[0]]],
            np.zeros((len(group), len(group))),
        )
        for group, call in readers
    ]
    random = np.random.default_rng(candidates.seed)
    for pixels, _ in candidates.batches():
        for values, (_, call), each in zip(read(pixels), readers, found, strict=True):
            for contributions in _contributions(values, call.layer, random):
                ours = np.zeros((len(contributions), len(each.units)))
                at = np.searchsorted(each.units, each.reads[each.inputs])
                np.add.at(ours.T, at, contributions[:, each.inputs].T)
                each.products[:] += ours.T @ ours
    return tuple(found)


def error_scores(found: tuple[Reconstruction, ...], unit_count: int) -> Scores:
    """Return the importance of each unit, ``(units,)``; 0 for units of other groups."""
    scores = np.zeros(unit_count)
    for _, same in itertools.groupby(found, key=lambda each: int(each.units[0])):
        first, *others = same
        if others:
            first = replace(first, products=np.sum([each.products / each.whole for each in (first, *others)], axis=0))
        scores[first.units] = first.errors()
    return scores


def rescale(network: keras.Model, found: tuple[Reconstruction, ...], kept: npt.NDArray[np.bool_]) -> None:
    """Multiply weights of layers that have lost inputs by the factors that reconstruct their outputs best, in place.

    Args:
        network: The network without the removed channels.
        found: The contributions of all groups that units were removed from.
        kept: Whether each unit is kept, ``(units,)``.
    """
    for each in found:
        ours = kept[each.units]
        if ours.all():
            continue
        factors = dict(zip(each.units[ours].tolist(), each.factors(ours), strict=True))
        layer = network.get_layer(each.layer)
        kernel, *bias = layer.get_weights()
        of_inputs = [factors.get(unit, 1.0) for unit in each.reads[kept[each.reads]].tolist()]
        kernel *= np.array(of_inputs, np.float32)[:, None]
        layer.set_weights([kernel, *bias])


def _readers(group: Group, candidates: Candidates) -> list[Call]:
    """Return the calls of the layers that read a group's units."""
    flow, unit_of = candidates.grouped.flow, candidates.grouped.unit_of
    dense = [
        call
        for call in flow.calls
        if isinstance(call.layer, _keras.Conv2D | _keras.Dense)
        and not isinstance(call.layer, _keras.DepthwiseConv2D)
        and getattr(call.layer, "groups", 1) == 1
    ]
    found = [call for call in dense if np.isin(unit_of[flow.channels[call.inputs[0]]], group.units).any()]
    names = [call.layer.name for call in found]
    again = next((name for name in names if sum(call.layer.name == name for call in dense) > 1), None)
    if again is not None or not found:
        reader = "no layer reads" if again is None else f"{again!r} reads, which is called several times"
        raise InvalidInputError(
            f"criterion thinet can't rank the channels of {group}, which {reader}; accepted: layers whose channels "
            "convolutions or dense layers read that are called once, or another criterion"
        )
    return found


def _tensors(network: keras.Model, readers: list[Call]) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Return the function from pixels to the tensors that the readers are called on."""
    model = keras.Model(network.inputs, [network.get_layer(call.layer.name).get_input_at(0) for call in readers])
    return tf.function(lambda pixels: tf.nest.flatten(model(pixels, training=False)), reduce_retracing=True)


def _contributions(
    values: tf.Tensor, layer: keras.layers.Layer, random: np.random.Generator
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the contributions of all input channels to random values of a layer's output, ``(samples, inputs)``."""
    kernel = layer.kernel
    for filter_ in random.integers(0, kernel.shape[-1], _FILTERS):
        if isinstance(layer, _keras.Dense):
            parts = values * kernel[:, filter_]
        else:
            parts = tf.nn.depthwise_conv2d(
                values,
                kernel[..., filter_, None],
                strides=[1, *layer.strides, 1],
                padding=layer.padding.upper(),
                dilations=layer.dilation_rate,
            )
        rows = tf.reshape(parts, (-1, parts.shape[-1]))
        count = min(int(rows.shape[0]), max(1, _PLACES * int(values.shape[0]) // _FILTERS))
        yield tf.gather(rows, random.choice(int(rows.shape[0]), count, replace=False)).numpy()
