"""The criterion ``thinet``: units whose removal the next layer notices least, and the best rescaling of the others.

Luo et al. 2017, ThiNet, arXiv:1707.06342:

1. A value of the next layer's output is a sum of one contribution from each of its input channels (equation 2). The
   contributions are sampled at random places and output channels of some training images.
2. Units are removed one after the other, always the one with which the sum of all removed contributions has the least
   square (algorithm 1). Only the products of contributions are needed, a matrix ``(units, units)``.
3. The contributions of the kept units are multiplied by factors that reconstruct the whole sum best, by least squares
   (equation 7); they become part of the next layer's weights.

The importance of a unit is the error at its removal, relative to the square of the whole sum, so that units of
different layers can be compared. A group can be ranked if a single convolution or dense layer reads its channels, each
once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
    """The contributions of a group's units to the layer that reads them.

    Attributes:
        units: The units, in the order of the layer's input channels.
        layer: Name of the layer.
        inputs: Input channels of the layer that the units are, ``(units,)``.
        products: Sum over the samples of the products of two units' contributions, ``(units, units)``.
    """

    units: npt.NDArray[np.int64]
    layer: str
    inputs: npt.NDArray[np.int64]
    products: npt.NDArray[np.float64]

    def errors(self) -> Scores:
        """Return the importance of each unit, ``(units,)``."""
        count = len(self.units)
        whole = max(float(self.products.sum()), float(np.finfo(np.float32).tiny))
        errors, left = np.zeros(count), np.ones(count, bool)
        error, with_removed = 0.0, np.zeros(count)  # the square of the removed sum, and its product with each unit
        highest = 0.0
        for _ in range(count):
            after = np.where(left, error + 2 * with_removed + self.products.diagonal(), np.inf)
            unit = int(after.argmin())
            error, highest = float(after[unit]), max(highest, float(after[unit]))
            errors[unit] = highest / whole  # never less important than the units that were removed before it
            with_removed += self.products[unit]
            left[unit] = False
        return errors

    def factors(self, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Return the factors of the kept units, given whether each of the group's units is kept ``(units,)``."""
        of_kept = self.products[np.ix_(kept, kept)]
        return np.linalg.lstsq(of_kept, self.products[kept].sum(axis=1), rcond=None)[0]


def reconstructions(candidates: Candidates) -> tuple[Reconstruction, ...]:
    """Return the contributions of each group.

    Raises:
        InvalidInputError: Several layers read the channels of a group, or a layer reads them several times.
    """
    readers = [_reader(group, candidates) for group in candidates.groups]
    read = _tensors(candidates.network, readers)
    products = [np.zeros((len(inputs), len(inputs))) for _, inputs in readers]
    random = np.random.default_rng(candidates.seed)
    for pixels, _ in candidates.batches():
        for number, (values, (call, inputs)) in enumerate(zip(read(pixels), readers, strict=True)):
            for contributions in _contributions(values, call.layer, random):
                ours = contributions[:, inputs].astype(np.float64)
                products[number] += ours.T @ ours
    flow, unit_of = candidates.grouped.flow, candidates.grouped.unit_of
    return tuple(
        Reconstruction(unit_of[flow.channels[call.inputs[0]]][inputs], call.layer.name, inputs, product)
        for (call, inputs), product in zip(readers, products, strict=True)
    )


def error_scores(found: tuple[Reconstruction, ...], unit_count: int) -> Scores:
    """Return the importance of each unit, ``(units,)``; 0 for units of other groups."""
    scores = np.zeros(unit_count)
    for each in found:
        scores[each.units] = each.errors()
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
        layer = network.get_layer(each.layer)
        kernel, *bias = layer.get_weights()
        # The removed inputs of the group are gone; what is left of the inputs keeps its order.
        gone = np.sort(each.inputs[~ours])
        places = each.inputs[ours] - np.searchsorted(gone, each.inputs[ours])
        kernel[..., places, :] *= each.factors(ours)[:, None]
        layer.set_weights([kernel, *bias])


def _reader(group: Group, candidates: Candidates) -> tuple[Call, npt.NDArray[np.int64]]:
    """Return the call of the layer that reads a group's units, and its input channels that they are."""
    grouped, units = candidates.grouped, set(map(int, group.units))
    found = []
    for call in grouped.flow.calls:
        is_reader = isinstance(call.layer, _keras.Conv2D | _keras.Dense) and getattr(call.layer, "groups", 1) == 1
        if is_reader and not isinstance(call.layer, _keras.DepthwiseConv2D):
            of_inputs = grouped.unit_of[grouped.flow.channels[call.inputs[0]]]
            inputs = np.flatnonzero(np.isin(of_inputs, group.units))
            if len(inputs):
                found.append((call, inputs))
    if len(found) != 1 or len(found[0][1]) != len(units):
        names = ", ".join(call.layer.name for call, _ in found)
        raise InvalidInputError(
            f"criterion thinet can't rank the channels of {group}, which {names or 'no layer'} reads; accepted: layers "
            "whose channels a single convolution or dense layer reads, each once, or another criterion"
        )
    return found[0]


def _tensors(
    network: keras.Model, readers: list[tuple[Call, npt.NDArray[np.int64]]]
) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Return the function from pixels to the tensors that the readers are called on."""
    model = keras.Model(network.inputs, [network.get_layer(call.layer.name).get_input_at(0) for call, _ in readers])
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
