"""Writes a .tflite file anew with the zeros of its weights left out.

1. Weights of convolutions and dense layers are chosen that get smaller by it, and that the runtime can unpack.
2. Each one's tensor gets the values that are not zero, and where they belong; see `sparse_encoding`.
3. Before the first operator that takes it comes a DENSIFY, which fills the zeros in again, once, when the file is
   loaded or first runs.

The file computes what it did before: the XNNPACK delegate unpacks weights before it looks at them, takes the same
operators as of the dense file, and an inference takes the same time. Loading takes longer, on x86-64 by a tenth of a
second for ResNet18, and the whole weights lie in memory.

What the runtime can't unpack stays as it is (seen in LiteRT 2.3.0; the delegate's source still has it, see
``VisitConv2DNode`` and ``VisitFullyConnectedNode`` in tflite/delegates/xnnpack/xnnpack_delegate.cc):

- int8 weights under float activations, as in a ``dynamic`` file. The delegate takes such operators on, then reads their
  weights from where the file would have them, and the file does not load. It has nothing else worth leaving out.
- int8 weights of dense layers, for the same reason.

The converter has an encoding of its own, ``tf.lite.Optimize.EXPERIMENTAL_SPARSITY``, not used here: it encodes the two
cases above, so that those files do not load; it writes an ``int16x8`` file's biases in a type that no convolution
takes; and it renames the weights, by whose names layers are found. Where its files do load they are as large as these,
or up to 7 % larger.
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgepress_worker.tflite.model import Operator, TfliteModel, parse_tflite
from edgepress_worker.tflite.sparse_encoding import Level, SparseEncoding, leave_out_zeros
from edgepress_worker.tflite.weights import Weights, read_weights

_SparseWeights = tuple[npt.NDArray[np.generic], SparseEncoding]

_UNPACKED_TYPES = ("float32", "float16", "int8")  # those that DENSIFY knows
_EMPTY_BUFFER = 0  # by convention: of tensors that are computed
_DENSIFY = schema.BuiltinOperator.DENSIFY
_VECTORS = {
    1: (schema.SparseIndexVector.Uint8Vector, schema.Uint8VectorT, np.uint8),
    2: (schema.SparseIndexVector.Uint16Vector, schema.Uint16VectorT, np.uint16),
    4: (schema.SparseIndexVector.Int32Vector, schema.Int32VectorT, np.int32),
}


def with_zeros_left_out(content: bytes) -> bytes | None:
    """The file in sparse encoding.

    Args:
        content: A .tflite file.

    Returns:
        Likewise; None if nothing in it can be encoded and gets smaller by it.

    Raises:
        StepFailedError: It can't be read; see `parse_tflite` and `read_weights`.
    """
    chosen = _choose(parse_tflite(content))
    if not chosen:
        return None
    file = schema.ModelT.InitFromPackedBuf(content)
    _rewrite(file, chosen)
    return flatbuffer_utils.convert_object_to_bytearray(file)


def _choose(model: TfliteModel) -> dict[int, _SparseWeights]:
    """Which tensors to encode, by index, and what is left of them."""
    layers = list(read_weights(model))
    if any(_types(operator, model) == ("int8", "float32") for layer in layers for operator in layer.operators):
        return {}
    chosen = {}
    for layer in layers:
        if _can_be_unpacked(layer, model):
            values, encoding = leave_out_zeros(layer.codes)
            # A tensor without a byte is one that has no content, to the runtime, even where nothing but zeros is in it.
            if len(values) and values.nbytes + encoding.size_bytes < layer.codes.nbytes:
                chosen[layer.tensor] = values, encoding
    return chosen


def _can_be_unpacked(layer: Weights, model: TfliteModel) -> bool:
    tensor = model.tensors[layer.tensor]
    consumers = [operator for operator in model.operators if layer.tensor in operator.inputs]
    return (
        tensor.type in _UNPACKED_TYPES
        and tensor.sparse_encoding is None
        and not layer.zero_codes.any()
        and all(_takes_unpacked(operator, model) for operator in consumers)
    )


def _takes_unpacked(operator: Operator, model: TfliteModel) -> bool:
    match operator.name:
        case "DEQUANTIZE":  # that widens float16, for whoever it may be
            return True
        case "CONV_2D":
            return True
        case "FULLY_CONNECTED":
            weights, _ = _types(operator, model)
            return weights != "int8"
        case _:
            return False


def _types(operator: Operator, model: TfliteModel) -> tuple[str, str]:
    """Of what an operator takes for its weights, and of what it gives."""
    weights = operator.inputs[1]
    assert weights is not None
    return model.tensors[weights].type, model.tensors[operator.outputs[0]].type


def _rewrite(file: Any, chosen: Mapping[int, _SparseWeights]) -> None:
    graph = file.subgraphs[0]
    dense = {index: _encode(file, index, *sparse) for index, sparse in chosen.items()}
    file.operatorCodes.append(schema.OperatorCodeT(deprecatedBuiltinCode=_DENSIFY, builtinCode=_DENSIFY, version=1))
    operators, unpacked = [], set()
    for operator in graph.operators:
        for index in map(int, operator.inputs):
            if index in dense and index not in unpacked:
                operators.append(_densify(index, dense[index], opcode=len(file.operatorCodes) - 1))
                unpacked.add(index)
        operator.inputs = np.array([dense.get(int(index), index) for index in operator.inputs], np.int32)
        operators.append(operator)
    graph.operators = operators


def _encode(file: Any, index: int, values: npt.NDArray[np.generic], encoding: SparseEncoding) -> int:
    """Puts the values into a tensor in place of what is there; gives the index of a new one for the whole."""
    tensors = file.subgraphs[0].tensors
    tensor, whole = tensors[index], copy.copy(tensors[index])
    whole.buffer, whole.name = _EMPTY_BUFFER, tensor.name + b"/whole"
    tensors.append(whole)
    before, tensor.buffer = tensor.buffer, len(file.buffers)
    file.buffers.append(schema.BufferT(data=values.view(np.uint8)))
    if all(other.buffer != before for other in tensors):  # tensors of equal content share one
        file.buffers[before].data = None
    tensor.sparsity = schema.SparsityParametersT(
        traversalOrder=np.array(encoding.order, np.int32), dimMetadata=[_level(level) for level in encoding.levels]
    )
    return len(tensors) - 1


def _level(level: Level) -> Any:
    if level.segments is None or level.indices is None:
        return schema.DimensionMetadataT(format=schema.DimensionType.DENSE, denseSize=level.size)
    segments_type, segments = _vector(level.segments)
    indices_type, indices = _vector(level.indices)
    return schema.DimensionMetadataT(
        format=schema.DimensionType.SPARSE_CSR,
        arraySegmentsType=segments_type,
        arraySegments=segments,
        arrayIndicesType=indices_type,
        arrayIndices=indices,
    )


def _vector(numbers: npt.NDArray[np.integer]) -> tuple[int, Any]:
    kind, table, dtype = _VECTORS[numbers.itemsize]
    return kind, table(values=numbers.astype(dtype))


def _densify(sparse: int, dense: int, *, opcode: int) -> Any:
    return schema.OperatorT(
        opcodeIndex=opcode,
        inputs=np.array([sparse], np.int32),
        outputs=np.array([dense], np.int32),
        builtinOptionsType=schema.BuiltinOptions.DensifyOptions,
        builtinOptions=schema.DensifyOptionsT(),
    )
