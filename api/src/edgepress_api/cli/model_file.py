"""What a .tflite file takes and gives, read from the file itself.

A .tflite file is a FlatBuffer. The few fields needed here are read by their position in TensorFlow Lite's schema
(tensorflow/compiler/mlir/lite/schema/schema.fbs), which promises never to change positions; so no runtime is needed.
"""

from typing import Any, Literal

from flatbuffers import number_types
from flatbuffers.table import Table

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.frozen import Frozen

# Positions of fields in their tables.
_MODEL_SUBGRAPHS = 2
_SUBGRAPH_TENSORS, _SUBGRAPH_INPUTS, _SUBGRAPH_OUTPUTS = 0, 1, 2
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_QUANTIZATION = 0, 1, 4
_QUANTIZATION_SCALE, _QUANTIZATION_ZERO_POINT = 2, 3

TensorType = Literal["float32", "uint8", "int16", "int8"]
_TYPES: dict[int, TensorType] = {0: "float32", 3: "uint8", 7: "int16", 9: "int8"}  # of the schema, those exports have

_IDENTIFIER = b"TFL3"  # bytes 4 to 8 of every file


class TensorDescription(Frozen):
    """A tensor that a model takes or gives.

    Attributes:
        type: Of its values.
        shape: As in ``(1, height, width, channels)``.
        scale: A stored integer q stands for ``scale * (q - zero_point)``; None where the values are plain floats.
        zero_point: Likewise.
    """

    type: TensorType
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int | None = None


class ModelDescription(Frozen):
    """The input and the output of an image classifier."""

    input: TensorDescription
    output: TensorDescription


def describe_model(content: bytes) -> ModelDescription:
    """Reads the descriptions out of a .tflite file's bytes.

    Raises:
        BrokenPromiseError: These bytes are no .tflite file, or not one with an input and output of a type that exports
            have.
    """
    if content[4:8] != _IDENTIFIER:
        raise BrokenPromiseError(f"not a .tflite file: it begins with {content[:8]!r}")
    root = Table(content, number_types.UOffsetTFlags.py_type(int.from_bytes(content[:4], "little")))
    graph = _tables(root, _MODEL_SUBGRAPHS)[0]
    tensors = _tables(graph, _SUBGRAPH_TENSORS)
    return ModelDescription(
        input=_describe(tensors[_numbers(graph, _SUBGRAPH_INPUTS, number_types.Int32Flags)[0]]),
        output=_describe(tensors[_numbers(graph, _SUBGRAPH_OUTPUTS, number_types.Int32Flags)[0]]),
    )


def _describe(tensor: Table) -> TensorDescription:
    code = tensor.GetSlot(_slot(_TENSOR_TYPE), 0, number_types.Int8Flags)
    if code not in _TYPES:
        raise BrokenPromiseError(f"a tensor of type {code} in TensorFlow Lite's schema; accepted: {_TYPES}")
    shape = tuple(_numbers(tensor, _TENSOR_SHAPE, number_types.Int32Flags))
    offset = tensor.Offset(_slot(_TENSOR_QUANTIZATION))
    if not offset or _TYPES[code] == "float32":
        return TensorDescription(type=_TYPES[code], shape=shape)
    quantization = Table(tensor.Bytes, tensor.Indirect(tensor.Pos + offset))
    return TensorDescription(
        type=_TYPES[code],
        shape=shape,
        scale=_numbers(quantization, _QUANTIZATION_SCALE, number_types.Float32Flags)[0],
        zero_point=_numbers(quantization, _QUANTIZATION_ZERO_POINT, number_types.Int64Flags)[0],
    )


def _slot(position: int) -> int:
    return 4 + 2 * position  # a FlatBuffer's vtable: two lengths, then an offset of two bytes for each field


def _tables(parent: Table, position: int) -> list[Table]:
    places = _places(parent, position, number_types.UOffsetTFlags.bytewidth)
    return [Table(parent.Bytes, parent.Indirect(place)) for place in places]


def _numbers(parent: Table, position: int, flags: Any) -> list[Any]:
    return [parent.Get(flags, place) for place in _places(parent, position, flags.bytewidth)]


def _places(parent: Table, position: int, width: int) -> list[int]:
    offset = parent.Offset(_slot(position))
    if not offset:
        return []
    start = parent.Vector(offset)
    return [start + width * index for index in range(parent.VectorLen(offset))]
