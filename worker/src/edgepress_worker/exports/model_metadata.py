"""Describes an image classifier by TensorFlow Lite's model metadata, which MediaPipe and Android Studio read.

The metadata is a FlatBuffer in the file's buffer ``TFLITE_METADATA``: what the input and output are, and the name of
the file of labels. That file is in a zip archive after the model, so that ``unzip`` reads it as well. The package with
the schema's classes, tflite-support, is not maintained and has no wheel for Python 3.11. The few tables needed are
written here by the numbers of their fields (mediapipe/tasks/metadata/metadata_schema.fbs, version 1.2).
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers

from edgepress_common.bundle_files.preprocessing import LABELS, labels_txt
from edgepress_worker.tflite.metadata import with_metadata

METADATA_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_MIN_PARSER_VERSION = "1.0.0"  # the first one: nothing that was added later is used
_FEATURE, _IMAGE = 1, 2  # of the union ContentProperties
_NORMALIZATION = 1  # of the union ProcessUnitOptions
_RGB = 1  # of the enumeration ColorSpaceType
_AXIS_LABELS = 2  # of the enumeration AssociatedFileType

_INPUT_WORDS = "Image in RGB, stretched to the size of the tensor. Pixels are from 0 to 255, neither scaled nor centred"
_QUANTIZED_INPUT = "; the tensor has round(pixel / scale) + zero point"
_OUTPUT_WORDS = f"Probability of each class of {LABELS}, in that order, from softmax; the probabilities add up to 1"
_QUANTIZED_OUTPUT = ". A probability is (value - zero point) * scale"


@dataclass(frozen=True)
class _Scalar:
    """A number of a table that is stored in place.

    Attributes:
        value: The number.
        is_byte: Whether it is an enumeration or the type of a union, which has one byte; else it has four.
    """

    value: int
    is_byte: bool = True


_Table = Mapping[int, "str | _Scalar | Sequence[float] | Sequence[_Table] | _Table"]  # a table's values by field


def described(content: bytes, *, classes: tuple[str, ...], side: int, is_quantized: bool) -> bytes:
    """Return a .tflite file with its model metadata, and its labels as an archive after it.

    The same arguments give the same bytes.

    Args:
        content: Bytes of the file.
        classes: Names of the classes in the order of the outputs.
        side: Height and width of the input in pixels.
        is_quantized: Whether the input and output are integers.
    """
    metadata = _model_metadata(side, is_quantized=is_quantized)
    return _with_archive(with_metadata(content, METADATA_NAME, metadata), labels_txt(classes).encode())


def _model_metadata(side: int, *, is_quantized: bool) -> bytes:
    normalization: _Table = {0: (0.0,), 1: (1.0,)}  # mean and standard deviation: none
    image: _Table = {0: _Scalar(_RGB), 1: {0: _Scalar(side, is_byte=False), 1: _Scalar(side, is_byte=False)}}
    unit: _Table = {0: _Scalar(_NORMALIZATION), 1: normalization}
    labels: _Table = {0: LABELS, 1: "Names of the classes, one per line", 2: _Scalar(_AXIS_LABELS)}
    entry: _Table = {
        0: "image",
        1: _INPUT_WORDS + (_QUANTIZED_INPUT if is_quantized else ""),
        3: {0: _Scalar(_IMAGE), 1: image},
        4: (unit,),
        5: {0: (255.0,), 1: (0.0,)},  # largest and smallest value
    }
    end: _Table = {
        0: "probability",
        1: _OUTPUT_WORDS + (_QUANTIZED_OUTPUT if is_quantized else ""),
        3: {0: _Scalar(_FEATURE), 1: {}},
        5: {0: (1.0,), 1: (0.0,)},
        6: (labels,),
    }
    graph: _Table = {2: (entry,), 3: (end,)}
    model: _Table = {
        0: "Edgepress image classifier",
        1: "Tells which class an image belongs to",
        3: (graph,),
        7: _MIN_PARSER_VERSION,
    }
    builder = flatbuffers.Builder(1024)
    builder.Finish(_write_table(builder, model), _IDENTIFIER)
    return bytes(builder.Output())


def _write_table(builder: Any, table: _Table) -> int:
    places = {field: value if isinstance(value, _Scalar) else _write(builder, value) for field, value in table.items()}
    builder.StartObject(max(places, default=-1) + 1)
    for field, place in places.items():
        if not isinstance(place, _Scalar):
            builder.PrependUOffsetTRelativeSlot(field, place, 0)
        elif place.is_byte:
            builder.PrependUint8Slot(field, place.value, 0)
        else:
            builder.PrependUint32Slot(field, place.value, 0)
    return int(builder.EndObject())


def _write(builder: Any, value: Any) -> int:
    match value:
        case str():
            return int(builder.CreateString(value))
        case Mapping():
            return _write_table(builder, value)
        case [float(), *_]:
            builder.StartVector(4, len(value), 4)
            for number in reversed(value):
                builder.PrependFloat32(number)
        case _:
            tables = [_write_table(builder, each) for each in value]
            builder.StartVector(4, len(tables), 4)
            for table in reversed(tables):
                builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())


def _with_archive(content: bytes, labels: bytes) -> bytes:
    """Return the file followed by an archive of the labels, with offsets that count from the beginning of the file."""
    file = io.BytesIO()
    file.write(content)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # readers accept stored files only
        archive.writestr(zipfile.ZipInfo(LABELS), labels)  # with the format's first date
    return file.getvalue()
