"""What a .tflite file takes and gives, read from the file itself.

A .tflite file is a FlatBuffer: tables whose fields are found by their position in a schema. From the model over its
subgraph and that one's tensors to their quantization, `_field` and `_vector` find all that is wanted; the positions are
those of TensorFlow Lite's schema (tensorflow/compiler/mlir/lite/schema/schema.fbs), which never changes one. So neither
a runtime nor numpy is needed.
"""

import struct
from typing import Literal

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
    model = _follow(content, 0)
    graph = _follow(content, _vector(content, model, _MODEL_SUBGRAPHS)[0])
    return ModelDescription(
        input=_describe(content, graph, _SUBGRAPH_INPUTS), output=_describe(content, graph, _SUBGRAPH_OUTPUTS)
    )


def _describe(content: bytes, graph: int, which: int) -> TensorDescription:
    number = _read(content, "<i", _vector(content, graph, which)[0])
    tensor = _follow(content, _vector(content, graph, _SUBGRAPH_TENSORS)[number])
    type_place = _field(content, tensor, _TENSOR_TYPE)
    code = 0 if type_place is None else _read(content, "<b", type_place)  # a field that is 0 is left out of the file
    if code not in _TYPES:
        raise BrokenPromiseError(f"a tensor of type {code} in TensorFlow Lite's schema; accepted: {_TYPES}")
    shape = tuple(_read(content, "<i", place) for place in _vector(content, tensor, _TENSOR_SHAPE))
    quantization_place = _field(content, tensor, _TENSOR_QUANTIZATION)
    if _TYPES[code] == "float32" or quantization_place is None:
        return TensorDescription(type=_TYPES[code], shape=shape)
    quantization = _follow(content, quantization_place)
    return TensorDescription(
        type=_TYPES[code],
        shape=shape,
        scale=struct.unpack_from("<f", content, _vector(content, quantization, _QUANTIZATION_SCALE, 4)[0])[0],
        zero_point=_read(content, "<q", _vector(content, quantization, _QUANTIZATION_ZERO_POINT, 8)[0]),
    )


def _field(content: bytes, table: int, position: int) -> int | None:
    """Where a table's field lies; None if it has been left out."""
    vtable = table - _read(content, "<i", table)
    slot = 4 + 2 * position  # after two lengths, an offset of two bytes for each field
    offset = _read(content, "<H", vtable + slot) if slot < _read(content, "<H", vtable) else 0
    return table + offset if offset else None


def _vector(content: bytes, table: int, position: int, item_bytes: int = 4) -> range:
    """Where the items of a vector lie that is a table's field."""
    place = _field(content, table, position)
    if place is None:
        return range(0)
    begin = _follow(content, place)
    return range(begin + 4, begin + 4 + item_bytes * _read(content, "<I", begin), item_bytes)


def _follow(content: bytes, place: int) -> int:
    """Where an offset leads that is written at a place."""
    return place + _read(content, "<I", place)


def _read(content: bytes, form: str, place: int) -> int:
    return int(struct.unpack_from(form, content, place)[0])
