"""Gives the weights of a layer one int8 step, in a file whose weights have a step for each output channel.

The converter takes each channel's step from the channel's largest weight. A value that all channels of a clustered
layer share then becomes another code in each, and the file zips as if nothing had been shared. With one step for the
layer, which it must have been trained for, the codes are as few as the values:

1. A normalization that follows a convolution has been multiplied into its weights, by a factor f per channel. It is
   found from what the file stores: the least squares of file against layer.
2. A weight w of the layer gets the code round(w / s), with s the layer's largest weight over 127, and the channel the
   step |f| s. Where f is negative, so are the codes.
3. A bias in integers counts in the input's step times the weights', so it is counted anew.

Nothing changes its size, so the file is patched where it lies: offsets and alignment stay as the converter made them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgepress_worker.compression.grids import LARGEST_CODE
from edgepress_worker.tflite.layer_names import layers_of

Kernel = npt.NDArray[np.float32]

_WEIGHTS, _BIAS = 1, 2  # inputs of a convolution or dense layer
_NO_TENSOR = -1  # stands for an optional input that is left out
_OPERATORS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.FULLY_CONNECTED)
_BIAS_TYPES = {schema.TensorType.INT32: np.dtype("<i4"), schema.TensorType.INT64: np.dtype("<i8")}


def with_one_step(content: bytes, kernels: Mapping[str, Kernel]) -> bytes:
    """The file with one step for each of some layers.

    Args:
        content: A .tflite file.
        kernels: By the name of the layer, its weights as Keras has them: ``(height, width, in, out)`` or ``(in, out)``.
            Layers whose weights are not int8 in the file stay as they are.
    """
    patched = bytearray(content)
    file = schema.Model.GetRootAs(patched, 0)
    graph = file.Subgraphs(0)
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        if file.OperatorCodes(operator.OpcodeIndex()).BuiltinCode() not in _OPERATORS:
            continue
        weights = graph.Tensors(operator.Inputs(_WEIGHTS))
        names = _layers_of(weights, kernels) or _layers_of(graph.Tensors(operator.Outputs(0)), kernels)
        if len(names) == 1 and weights.Type() == schema.TensorType.INT8:
            _patch(file, weights, _bias(graph, operator), kernels[names.pop()])
    return bytes(patched)


def _layers_of(tensor: Any, kernels: Mapping[str, Kernel]) -> set[str]:
    return layers_of(tensor.Name().decode()) & kernels.keys()


def _bias(graph: Any, operator: Any) -> Any | None:
    has_bias = operator.InputsLength() > _BIAS and operator.Inputs(_BIAS) != _NO_TENSOR
    return graph.Tensors(operator.Inputs(_BIAS)) if has_bias else None


def _patch(file: Any, weights: Any, bias: Any, kernel: Kernel) -> None:
    steps = weights.Quantization().ScaleAsNumpy()
    codes = file.Buffers(weights.Buffer()).DataAsNumpy().view(np.int8).reshape(len(steps), -1)
    rows = np.moveaxis(kernel, -1, 0).reshape(len(steps), -1)  # the file's order: (out, height, width, in), (out, in)
    factors = _factors(codes * steps[:, np.newaxis], rows)
    one_step = np.abs(kernel).max() / LARGEST_CODE
    alive = (factors != 0) & (one_step > 0)  # a channel that is multiplied by zero has nothing to share
    new_steps = np.where(alive, np.abs(factors) * one_step, steps)
    new_codes = np.rint(rows / (one_step or 1.0)) * np.sign(factors)[:, np.newaxis]
    codes[...] = np.where(alive[:, np.newaxis], new_codes, codes).astype(np.int8)
    if bias is not None and bias.Type() in _BIAS_TYPES:
        bias_codes = file.Buffers(bias.Buffer()).DataAsNumpy().view(_BIAS_TYPES[bias.Type()])
        bias_codes[...] = np.rint(bias_codes * (steps / new_steps))
        bias.Quantization().ScaleAsNumpy()[...] *= new_steps / steps
    steps[...] = new_steps


def _factors(stored: npt.NDArray[np.float64], rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """What each channel of the layer has been multiplied by, ``(channels,)``; 0 for one without weights."""
    rows = rows.astype(np.float64)
    squares = (rows * rows).sum(axis=1)
    return np.divide((stored * rows).sum(axis=1), squares, out=np.zeros_like(squares), where=squares > 0)
