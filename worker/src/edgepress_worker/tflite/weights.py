"""The weights of convolutions and dense layers, as a .tflite file stores them, and their statistics.

Values are compared as they are stored: the int8 codes of a quantized tensor, not the numbers that they represent. A zip
archive compresses these codes, and clustering limits the number of different codes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import StepFailedError
from edgepress_worker.tflite.model import Operator, Tensor, TfliteModel
from edgepress_worker.tflite.sparse_encoding import fill_in_zeros

# The dimension of an operator's weights that counts its output channels, from the layouts in TFLite's schema:
# (out, height, width, in), (1, height, width, out) and (out, in).
_CHANNEL_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
_WEIGHTS_INPUT = 1  # after the activations, before the bias

# Operators between stored weights and their user: one widens float16, the other undoes a sparse encoding.
_UNPACKING = ("DEQUANTIZE", "DENSIFY")

_STORED_TYPES = {name: np.dtype(name) for name in ("float32", "float16", "int8", "uint8", "int16")}


@dataclass(frozen=True)
class StoredWeights:
    """One tensor of weights.

    Attributes:
        tensor: Index of the tensor that stores them.
        operators: Operators of one kind that use the weights: one, or several if a layer is used again, or if the
            converter has found two layers' weights to be equal.
        codes: Stored values with their zeros, in the shape that the operator uses.
        zero_codes: Codes that represent zero, broadcastable to ``codes``: one per channel, or a single one if all
            channels have one scale or no scale.
        channel_axis: The dimension of ``codes`` that counts the output channels.
    """

    tensor: int
    operators: tuple[Operator, ...]
    codes: npt.NDArray[np.generic]
    zero_codes: npt.NDArray[np.int64]
    channel_axis: int

    @property
    def has_scale_per_channel(self) -> bool:
        """Whether equal codes stand for different values in different output channels."""
        return self.zero_codes.size > 1

    def zero_count(self) -> int:
        """Return the number of weights that are zero."""
        return int(np.count_nonzero(self.codes == self.zero_codes))

    def unique_count(self) -> int:
        """Return the number of different values among the weights."""
        return len(np.unique(_sortable(self.codes)))

    def unique_count_per_channel(self) -> npt.NDArray[np.int64]:
        """Return the number of different values in each output channel, ``(channels,)``."""
        channels = _sortable(self.rows())
        steps = np.diff(np.sort(channels, axis=1), axis=1) != 0
        return 1 + np.count_nonzero(steps, axis=1)

    def rows(self) -> npt.NDArray[np.generic]:
        """Return the codes with a row for each output channel, ``(channels, weights)``."""
        return np.moveaxis(self.codes, self.channel_axis, 0).reshape(self.codes.shape[self.channel_axis], -1)


def read_weights(model: TfliteModel) -> Iterator[StoredWeights]:
    """Yield the weights of every convolution and dense layer, in the order of the operators.

    A tensor that several operators share is yielded once. A tensor that is computed rather than stored is left out.

    Raises:
        StepFailedError: Weights are stored in a type that is not supported.
    """
    users: dict[int, list[Operator]] = {}
    for operator in model.operators:
        if operator.name in _CHANNEL_AXES:
            stored = stored_constant(model, operator.inputs[_WEIGHTS_INPUT])
            if stored is not None:
                users.setdefault(stored, []).append(operator)
    for stored, operators in users.items():
        tensor = model.tensors[stored]
        yield StoredWeights(
            tensor=stored,
            operators=tuple(operators),
            codes=_codes(tensor),
            zero_codes=_zero_codes(tensor),
            channel_axis=_CHANNEL_AXES[operators[0].name],
        )


def sparsity(weights: Sequence[StoredWeights]) -> float:
    """Return the share of zeros among all weights, from 0 to 1; 0 without weights."""
    total = sum(layer.codes.size for layer in weights)
    return sum(layer.zero_count() for layer in weights) / total if total else 0.0


def _sortable(codes: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return codes that numpy sorts and compares correctly.

    ``np.sort`` of float16, and with it ``np.unique``, is wrong in numpy 2.4.6 on processors with AVX512_ICL: equal
    values do not end up next to each other. So float16 is compared by its bits, with both zeros as one value.
    """
    return np.where(codes == 0, np.float16(0), codes).view(np.uint16) if codes.dtype == np.float16 else codes


def pack_int4(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.uint8]:
    """Return codes from -8 to 7 as bytes, two in each: the first one in the lower half."""
    halves = np.pad(codes.reshape(-1), (0, codes.size % 2)).view(np.uint8) & 15
    return np.asarray(halves[::2] | (halves[1::2] << 4), np.uint8)


def unpack_int4(content: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.int8]:
    """Return the ``count`` codes in bytes that `pack_int4` has written."""
    halves = np.stack([content & 15, content >> 4], axis=1).reshape(-1)[:count].astype(np.int8)
    return np.where(halves > 7, halves - 16, halves).astype(np.int8)  # noqa: PLR2004 - the sign is the highest of 4 bits


def stored_constant(model: TfliteModel, tensor: int | None) -> int | None:
    """Return the index of the constant that a tensor is unpacked from; None for a tensor that is computed."""
    while tensor is not None and model.tensors[tensor].content is None:
        producer = model.producer(tensor)
        if producer is None or producer.name not in _UNPACKING:
            return None
        tensor = producer.inputs[0]
    return tensor


def _codes(tensor: Tensor) -> npt.NDArray[np.generic]:
    if tensor.type == "int4":
        assert tensor.content is not None
        return unpack_int4(tensor.content, math.prod(tensor.shape)).reshape(tensor.shape)
    if tensor.type not in _STORED_TYPES:
        raise StepFailedError(
            f"weights {tensor.name!r} are stored as {tensor.type}; understood are int4, {', '.join(_STORED_TYPES)}"
        )
    assert tensor.content is not None
    codes = tensor.content.view(_STORED_TYPES[tensor.type])
    if tensor.sparse_encoding is not None:
        return fill_in_zeros(codes, tensor.shape, tensor.sparse_encoding)
    return codes.reshape(tensor.shape)


def _zero_codes(tensor: Tensor) -> npt.NDArray[np.int64]:
    zero_points = np.array(tensor.zero_points or (0,), np.int64)
    if len(zero_points) == 1:
        return zero_points
    return zero_points.reshape([-1 if axis == tensor.quantized_axis else 1 for axis in range(len(tensor.shape))])
