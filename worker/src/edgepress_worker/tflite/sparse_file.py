"""Writes a .tflite file in sparse encoding, without the zeros of its weights.

1. The weights of a convolution or dense layer are encoded if they become smaller and the runtime can unpack them.
2. The layer's tensor stores the values that are not zero, and their positions; see `sparse_encoding`.
3. A DENSIFY operator before the first operator that uses the tensor restores the zeros, once, when the file is loaded
   or first runs.

The file computes the same as before: the XNNPACK delegate unpacks weights before it reads them, runs the same operators
as for the dense file, and an inference takes the same time. Loading takes longer, on x86-64 by a tenth of a second for
ResNet18, and the dense weights are in memory.

Weights that the runtime can't unpack are not changed (observed in LiteRT 2.3.0; the cause is in the delegate's source,
see ``VisitConv2DNode`` and ``VisitFullyConnectedNode`` in tflite/delegates/xnnpack/xnnpack_delegate.cc):

- int8 weights with float activations, as in a ``dynamic`` file. The delegate accepts such operators, but reads their
  weights from the file instead of the unpacked tensor, and the file does not load. Such a file has no other weights
  worth encoding.
- int8 weights of dense layers, for the same reason.

The converter's own encoding, ``tf.lite.Optimize.EXPERIMENTAL_SPARSITY``, is not used, for these reasons:

- It encodes the two cases above, so those files do not load.
- It writes the biases of an ``int16x8`` file in a type that convolutions do not accept.
- It renames the weights, and layers are found by these names.
- Its files that do load are as large as the files of this module, or up to 7 % larger.
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.model import Operator, TfliteModel
from edgepress_worker.tflite.sparse_encoding import Level, SparseEncoding, leave_out_zeros
from edgepress_worker.tflite.weights import StoredWeights

_SparseWeights = tuple[npt.NDArray[np.generic], SparseEncoding]

_UNPACKED_TYPES = ("float32", "float16", "int8")  # the types that DENSIFY supports
_EMPTY_BUFFER = 0  # by convention, the buffer of all tensors that are computed
_DENSIFY = schema.BuiltinOperator.DENSIFY
_VECTORS = {
    1: (schema.SparseIndexVector.Uint8Vector, schema.Uint8VectorT, np.uint8),
    2: (schema.SparseIndexVector.Uint16Vector, schema.Uint16VectorT, np.uint16),
    4: (schema.SparseIndexVector.Int32Vector, schema.Int32VectorT, np.int32),
}


def with_zeros_left_out(file: TfliteFile) -> bytes | None:
    """Return the bytes of a file in sparse encoding.

    Args:
        file: The dense file, which is not changed.

    Returns:
        The bytes, or None if no weights can be encoded and become smaller.

    Raises:
        StepFailedError: The weights of the file can't be read; see `TfliteFile.weights`.
    """
    chosen = _choose(file)
    if not chosen:
        return None
    tables = _copy(file.tables)
    _rewrite(tables, chosen)
    return flatbuffer_utils.convert_object_to_bytearray(tables)


def _choose(file: TfliteFile) -> dict[int, _SparseWeights]:
    """Return the encoded weights of the tensors to encode, by the index of the tensor."""
    model = file.model
    if any(_types(operator, model) == ("int8", "float32") for layer in file.weights for operator in layer.operators):
        return {}
    chosen = {}
    for layer in file.weights:
        if _can_be_unpacked(layer, model):
            values, encoding = leave_out_zeros(layer.codes)
            # The runtime considers a tensor of zero bytes as one without content, so at least one value is stored.
            if len(values) and values.nbytes + encoding.size_bytes < layer.codes.nbytes:
                chosen[layer.tensor] = values, encoding
    return chosen


def _copy(tables: Any) -> Any:
    """Copy everything that `_rewrite` changes, and share the weights."""
    copied = copy.copy(tables)
    copied.operatorCodes, copied.buffers = list(tables.operatorCodes), list(map(copy.copy, tables.buffers))
    graph = copy.copy(tables.subgraphs[0])
    copied.subgraphs = [graph]
    graph.tensors, graph.operators = list(map(copy.copy, graph.tensors)), list(map(copy.copy, graph.operators))
    return copied


def _can_be_unpacked(layer: StoredWeights, model: TfliteModel) -> bool:
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
        case "DEQUANTIZE":  # converts float16 to float32, for any operator
            return True
        case "CONV_2D":
            return True
        case "FULLY_CONNECTED":
            weights, _ = _types(operator, model)
            return weights != "int8"
        case _:
            return False


def _types(operator: Operator, model: TfliteModel) -> tuple[str, str]:
    """Return the types of an operator's weights and of its output."""
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
    """Replace the content of a tensor by its sparse values; return the index of a new tensor for the dense weights."""
    tensors = file.subgraphs[0].tensors
    tensor, whole = tensors[index], copy.copy(tensors[index])
    whole.buffer, whole.name = _EMPTY_BUFFER, tensor.name + b"/whole"
    tensors.append(whole)
    before, tensor.buffer = tensor.buffer, len(file.buffers)
    file.buffers.append(schema.BufferT(data=values.view(np.uint8)))
    if all(other.buffer != before for other in tensors):  # tensors of equal content share a buffer
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
