"""The weights of convolutions and dense layers, as a .tflite file stores them, and what is to be known of them.

Values are compared as they are stored: the int8 codes of a quantized tensor, not what they stand for. That is what a
zip archive sees, and what clustering promises to keep few of.
"""

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

# What stands between stored weights and the operator: float16 is widened, a sparse encoding is undone.
_UNPACKING = ("DEQUANTIZE", "DENSIFY")

_STORED_TYPES = {name: np.dtype(name) for name in ("float32", "float16", "int8", "uint8", "int16")}


@dataclass(frozen=True)
class Weights:
    """One tensor of weights.

    Attributes:
        tensor: Index of the tensor that stores them.
        operators: Who multiplies with them, of one kind: one, or several if a layer is used again, or if the converter
            has found two layers' weights to be equal.
        codes: As stored, zeros filled in; the operator's own shape.
        zero_codes: What stands for zero: broadcasts with ``codes``; one where all channels have one step, or no step.
        channel_axis: The dimension of ``codes`` that counts the output channels.
    """

    tensor: int
    operators: tuple[Operator, ...]
    codes: npt.NDArray[np.generic]
    zero_codes: npt.NDArray[np.int64]
    channel_axis: int

    @property
    def has_step_per_channel(self) -> bool:
        """Whether equal codes stand for different values in different output channels."""
        return self.zero_codes.size > 1

    def zero_count(self) -> int:
        """How many of the weights are zero."""
        return int(np.count_nonzero(self.codes == self.zero_codes))

    def unique_count(self) -> int:
        """How many different values the weights have."""
        return len(np.unique(self.codes))

    def unique_count_per_channel(self) -> npt.NDArray[np.int64]:
        """Likewise for each output channel, ``(channels,)``."""
        channels = np.moveaxis(self.codes, self.channel_axis, 0).reshape(self.codes.shape[self.channel_axis], -1)
        steps = np.diff(np.sort(channels, axis=1), axis=1) != 0
        return 1 + np.count_nonzero(steps, axis=1)


def read_weights(model: TfliteModel) -> Iterator[Weights]:
    """The weights of every convolution and dense layer, in the order of the operators.

    A tensor that several operators share comes once. One that is computed rather than stored is no weight and is left
    out.

    Raises:
        StepFailedError: Weights are stored in a type that is not understood.
    """
    users: dict[int, list[Operator]] = {}
    for operator in model.operators:
        if operator.name in _CHANNEL_AXES:
            stored = _stored(model, operator.inputs[_WEIGHTS_INPUT])
            if stored is not None:
                users.setdefault(stored, []).append(operator)
    for stored, operators in users.items():
        tensor = model.tensors[stored]
        yield Weights(
            tensor=stored,
            operators=tuple(operators),
            codes=_codes(tensor),
            zero_codes=_zero_codes(tensor),
            channel_axis=_CHANNEL_AXES[operators[0].name],
        )


def sparsity(weights: Sequence[Weights]) -> float:
    """Share of zeros among all of them, 0 to 1; 0 if there are none."""
    total = sum(layer.codes.size for layer in weights)
    return sum(layer.zero_count() for layer in weights) / total if total else 0.0


def _stored(model: TfliteModel, tensor: int | None) -> int | None:
    """Index of the constant that a tensor is unpacked from, or None if it isn't."""
    while tensor is not None and model.tensors[tensor].content is None:
        producer = model.producer(tensor)
        if producer is None or producer.name not in _UNPACKING:
            return None
        tensor = producer.inputs[0]
    return tensor


def _codes(tensor: Tensor) -> npt.NDArray[np.generic]:
    if tensor.type not in _STORED_TYPES:
        raise StepFailedError(
            f"weights {tensor.name!r} are stored as {tensor.type}; understood are {', '.join(_STORED_TYPES)}"
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
