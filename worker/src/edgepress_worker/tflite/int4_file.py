"""Writes the weights of an int8 file in four bits.

The converter writes int8 weights only. For a layer whose weights w lie on a grid of 15 values, w = c s with codes c
from -7 to 7 and a scale s for each output channel:

1. The scale of each channel is found from the weights: the largest s for which all w / s are integers up to 7.
2. The codes are stored in TFLite's type INT4: two in a byte, the first one in the lower half.
3. The scale of an integer bias is the input's scale times the weights' scale, so the bias is converted as well.

The file is written again, because arrays change their size. TFLite's own kernels of convolutions unpack the codes in
each inference, XNNPACK's kernel of dense layers computes with them (see docs/methods.md).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgepress_common.errors import StepFailedError
from edgepress_worker.compression.grids import grid_scales
from edgepress_worker.compression.kernels import KernelValues
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.matching import match_layers
from edgepress_worker.tflite.weights import pack_int4

LARGEST_CODE = 7
_BIAS = 2  # input of a convolution or dense layer
_NO_TENSOR = -1  # index of an optional input that is left out
_BIAS_TYPES: Mapping[int, str] = {schema.TensorType.INT32: "<i4", schema.TensorType.INT64: "<i8"}


def with_int4_weights(content: bytes, kernels: Mapping[str, KernelValues]) -> bytes:
    """Return the file with the weights of the given layers in four bits.

    Args:
        content: Bytes of a .tflite file with int8 weights.
        kernels: The weights of convolutions and dense layers as the file represents them, on grids of 15 values, by
            layer name and in Keras's layout: ``(height, width, in, out)`` or ``(in, out)``.

    Raises:
        StepFailedError: Weights do not lie on such a grid, or a layer is not in the file.
    """
    contents = TfliteFile.parse(content)
    found = match_layers(kernels, contents.weights, contents.model)
    if missing := kernels.keys() - found.keys():
        raise StepFailedError(f"the int8 file has no weights of the layers {', '.join(sorted(missing))}")
    layers = {weights.tensor: layer for layer, weights in found.items()}
    tables = contents.tables
    graph = tables.subgraphs[0]
    for operator in graph.operators:
        layer = layers.pop(int(operator.inputs[1]), None) if len(operator.inputs) > 1 else None
        if layer is not None:
            weights = graph.tensors[operator.inputs[1]]
            kernel = kernels[layer]
            rows = np.moveaxis(kernel, -1, 0).reshape(kernel.shape[-1], -1)  # the file's order: (out, ..., in)
            scales = grid_scales(rows, LARGEST_CODE)
            before = weights.quantization.scale
            codes = np.rint(rows / scales[:, np.newaxis]).astype(np.int8)
            _write_weights(tables, weights, codes, scales)
            if len(operator.inputs) > _BIAS and operator.inputs[_BIAS] != _NO_TENSOR:
                _convert_bias(tables, graph.tensors[operator.inputs[_BIAS]], before / scales)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(tables))


def _write_weights(tables: Any, tensor: Any, codes: npt.NDArray[np.int8], scales: npt.NDArray[np.float32]) -> None:
    tensor.type = schema.TensorType.INT4
    tensor.quantization.scale = scales
    tensor.quantization.zeroPoint = np.zeros(len(scales), np.int64)
    tensor.quantization.quantizedDimension = 0
    tensor.buffer = len(tables.buffers)  # the old buffer may belong to other tensors of equal content
    tables.buffers.append(schema.BufferT(data=pack_int4(codes)))
    used = {each.buffer for each in tables.subgraphs[0].tensors} | {each.buffer for each in tables.metadata or ()}
    for index, buffer in enumerate(tables.buffers):
        if index not in used:
            buffer.data = None


def _convert_bias(tables: Any, bias: Any, factors: npt.NDArray[np.float64]) -> None:
    buffer = tables.buffers[bias.buffer]
    codes: npt.NDArray[Any] = np.asarray(buffer.data, np.uint8).view(np.dtype(_BIAS_TYPES[bias.type]))
    bias.buffer = len(tables.buffers)
    tables.buffers.append(schema.BufferT(data=np.rint(codes * factors).astype(codes.dtype).view(np.uint8)))
    bias.quantization.scale = (bias.quantization.scale / factors).astype(np.float32)
