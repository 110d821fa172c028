"""Writes small .tflite files that load one part of a processor: its arithmetic, or its memory.

They consist of dense layers ``(rows, channels) x (channels, channels)``. The more rows, the more often a weight is used
once it is loaded: with many, the arithmetic takes the time, with one, the memory does. All layers of a file that loads
the arithmetic share their weights. Values do not matter for the time, so that all are 0.
"""

from typing import Literal

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

Kind = Literal["int8", "float32"]

_IDENTIFIER = b"TFL3"  # of a .tflite file
_SCHEMA_VERSION = 3
_OPERATOR_VERSION = 4  # of FULLY_CONNECTED: int8, since TensorFlow 1.14
_SCALE = 0.05  # any: it only has to be above 0


def dense_layers(kind: Kind, *, rows: int, inputs: int, outputs: int, layers: int = 1) -> bytes:
    """Return a file of dense layers.

    Args:
        kind: Type of activations and weights.
        rows: Number of rows that each layer multiplies.
        inputs: Channels of the input; equal to ``outputs`` if there are several layers.
        outputs: Channels of the output.
        layers: Number of layers in a row, which share their weights.
    """
    dtype = np.int8 if kind == "int8" else np.float32
    weights = np.zeros((outputs, inputs), dtype)
    tensors = [_tensor(kind, "weights", weights.shape, buffer=1)]
    tensors += [_tensor(kind, f"flow_{at}", (rows, outputs if at else inputs)) for at in range(layers + 1)]
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs = tensors, [1], [layers + 1]
    graph.operators = [_dense(source=at + 1, target=at + 2) for at in range(layers)]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = _SCHEMA_VERSION, [_code()], [graph]
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = weights.reshape(-1).view(np.uint8)
    builder = flatbuffers.Builder(weights.nbytes + (1 << 14))
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _code() -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = _OPERATOR_VERSION
    return code


def _dense(*, source: int, target: int) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [source, 0, -1], [target]  # no bias
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    return operator


def _tensor(kind: Kind, name: str, shape: tuple[int, ...], buffer: int = 0) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, list(shape), buffer
    tensor.type = schema.TensorType.FLOAT32
    if kind == "int8":
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [_SCALE], [0]
    return tensor
