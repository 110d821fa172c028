"""Conversion of a layer's weights to one int8 scale, in a file that has a scale for each output channel.

The converter computes each channel's scale from the channel's largest weight. A value that all channels of a clustered
layer share then has a different code in each channel, and the zipped file is as large as without clustering. With one
scale for the layer, which must have been trained for it, the codes are as few as the values:

1. A normalization that follows a convolution has been multiplied into its weights, by a factor f per channel. The
   factor is found by least squares, from the file's weights and the layer's.
2. A weight w of the layer is stored as the code round(w / s), where s is the layer's largest weight divided by 127. The
   channel's scale is |f| s. If f is negative, the codes change their sign.
3. The scale of an integer bias is the input's scale times the weights' scale, so the bias is converted as well.

No array changes its size, so the file is patched in place: offsets and alignment do not change.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgepress_worker.compression.grids import LARGEST_CODE
from edgepress_worker.compression.kernels import KernelValues
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.matching import match_layers

_WEIGHTS, _BIAS = 1, 2  # inputs of a convolution or dense layer
_NO_TENSOR = -1  # index of an optional input that is left out
_OPERATORS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.FULLY_CONNECTED)
_BIAS_TYPES = {schema.TensorType.INT32: np.dtype("<i4"), schema.TensorType.INT64: np.dtype("<i8")}


def with_one_scale(content: bytes, kernels: Mapping[str, KernelValues]) -> bytes:
    """Return the file with one scale for each given layer: see `with_scales`."""
    return with_scales(
        content,
        {layer: (kernel, np.atleast_1d(np.abs(kernel).max() / LARGEST_CODE)) for layer, kernel in kernels.items()},
    )


def with_scales(content: bytes, trained: Mapping[str, tuple[KernelValues, npt.NDArray[np.float32]]]) -> bytes:
    """Return the file with the scales that layers were trained for.

    Args:
        content: Bytes of a .tflite file.
        trained: By layer name, the weights in Keras's layout, ``(height, width, in, out)`` or ``(in, out)``, and their
            scales, ``(channels,)`` or ``(1,)``. Layers whose weights are not int8 in the file are not changed.
    """
    kernels = {layer: kernel for layer, (kernel, _) in trained.items()}
    contents = TfliteFile.parse(content)
    layers = {
        weights.tensor: layer for layer, weights in match_layers(kernels, contents.weights, contents.model).items()
    }
    patched = bytearray(content)
    file = schema.Model.GetRootAs(patched, 0)
    graph = file.Subgraphs(0)
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        if file.OperatorCodes(operator.OpcodeIndex()).BuiltinCode() not in _OPERATORS:
            continue
        weights = graph.Tensors(operator.Inputs(_WEIGHTS))
        layer = layers.get(operator.Inputs(_WEIGHTS))
        if layer is not None and weights.Type() == schema.TensorType.INT8:
            _patch(file, weights, _bias(graph, operator), *trained[layer])
    return bytes(patched)


def _bias(graph: Any, operator: Any) -> Any | None:
    has_bias = operator.InputsLength() > _BIAS and operator.Inputs(_BIAS) != _NO_TENSOR
    return graph.Tensors(operator.Inputs(_BIAS)) if has_bias else None


def _patch(file: Any, weights: Any, bias: Any, kernel: KernelValues, own_scales: npt.NDArray[np.float32]) -> None:
    scales = weights.Quantization().ScaleAsNumpy()
    codes = file.Buffers(weights.Buffer()).DataAsNumpy().view(np.int8).reshape(len(scales), -1)
    rows = np.moveaxis(kernel, -1, 0).reshape(len(scales), -1)  # the file's order: (out, height, width, in), (out, in)
    factors = _factors(codes * scales[:, np.newaxis], rows)
    nonzero = (factors != 0) & (own_scales > 0)  # a channel that is multiplied by zero keeps its scale
    new_scales = np.where(nonzero, np.abs(factors) * own_scales, scales)
    divisors = np.where(own_scales > 0, own_scales, 1.0)
    new_codes = np.rint(rows / divisors[:, np.newaxis]) * np.sign(factors)[:, np.newaxis]
    codes[...] = np.where(nonzero[:, np.newaxis], new_codes, codes).astype(np.int8)
    if bias is not None and bias.Type() in _BIAS_TYPES:
        bias_codes = file.Buffers(bias.Buffer()).DataAsNumpy().view(_BIAS_TYPES[bias.Type()])
        bias_codes[...] = np.rint(bias_codes * (scales / new_scales))
        bias.Quantization().ScaleAsNumpy()[...] *= new_scales / scales
    scales[...] = new_scales


def _factors(stored: npt.NDArray[np.float64], rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the factor of each channel of the layer, ``(channels,)``; 0 for a channel whose weights are all zero."""
    rows = rows.astype(np.float64)
    squares = (rows * rows).sum(axis=1)
    return np.divide((stored * rows).sum(axis=1), squares, out=np.zeros_like(squares), where=squares > 0)
