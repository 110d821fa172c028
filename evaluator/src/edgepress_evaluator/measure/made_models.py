"""Writes small .tflite files that load one part of a processor: its arithmetic, or its memory.

They consist of dense layers ``(rows, channels) x (channels, channels)``. The more rows, the more often a weight is used
once it is loaded: with many, the arithmetic takes the time, with one, the memory does. All layers of a file that loads
the arithmetic share their weights. Values do not matter for the time, so that all are 0.

Numbers of fields and values of enumerations are those of tensorflow/compiler/mlir/lite/schema/schema.fbs, which are
never changed. LiteRT's generated classes for them would make the evaluator larger, and slower to start.
"""

from collections.abc import Sequence
from typing import Literal

import flatbuffers
import numpy as np
import numpy.typing as npt

Kind = Literal["int8", "float32"]

_IDENTIFIER = b"TFL3"  # of a .tflite file
_SCHEMA_VERSION = 3
_FULLY_CONNECTED, _OPERATOR_VERSION, _FULLY_CONNECTED_OPTIONS = 9, 4, 8
_TENSOR_TYPES: dict[Kind, int] = {"float32": 0, "int8": 9}
_NO_TENSOR = -1  # an optional input that is left out
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
    content = np.zeros(outputs * inputs * np.dtype(kind).itemsize, np.uint8)
    file = _File(kind, len(content) + (1 << 14))
    flow = [file.tensor([rows, outputs if at else inputs]) for at in range(layers + 1)]
    tensors = file.tables([file.tensor([outputs, inputs], buffer=1), *flow])
    operators = file.tables([file.dense(source=at + 1, target=at + 2) for at in range(layers)])
    ends = file.numbers([1]), file.numbers([layers + 1])
    graph = file.table({0: tensors, 1: ends[0], 2: ends[1], 3: operators})
    code = file.table({}, int8={0: _FULLY_CONNECTED}, int32={2: _OPERATOR_VERSION, 3: _FULLY_CONNECTED})
    buffers = file.tables([file.table({}), file.table({0: file.vector(content)})])
    return file.finished(
        file.table({1: file.tables([code]), 2: file.tables([graph]), 4: buffers}, int32={0: _SCHEMA_VERSION})
    )


class _File:
    """A flatbuffer that is being written; the numbers are those of the fields in the schema."""

    def __init__(self, kind: Kind, size: int) -> None:
        self._kind = kind
        self._builder = flatbuffers.Builder(size)

    def tensor(self, shape: list[int], buffer: int = 0) -> int:
        """Add a tensor; buffer 0 is one without content."""
        offsets = {0: self.numbers(shape)}
        if self._kind == "int8":
            scale, zero_point = self.vector(np.array([_SCALE], np.float32)), self.vector(np.array([0], np.int64))
            offsets[4] = self.table({2: scale, 3: zero_point})
        return self.table(offsets, int8={1: _TENSOR_TYPES[self._kind]}, int32={2: buffer})

    def dense(self, *, source: int, target: int) -> int:
        """Add a dense layer without a bias; the weights are tensor 0."""
        offsets = {1: self.numbers([source, 0, _NO_TENSOR]), 2: self.numbers([target]), 4: self.table({})}
        return self.table(offsets, int8={3: _FULLY_CONNECTED_OPTIONS})

    def numbers(self, values: Sequence[int]) -> int:
        """Add a list of numbers."""
        return self.vector(np.array(values, np.int32))

    def vector(self, values: npt.NDArray[np.number]) -> int:
        """Add an array."""
        return int(self._builder.CreateNumpyVector(values))

    def tables(self, offsets: Sequence[int]) -> int:
        """Add a list of tables."""
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def table(
        self, offsets: dict[int, int], int8: dict[int, int] | None = None, int32: dict[int, int] | None = None
    ) -> int:
        """Add a table with fields of other tables and arrays, and of numbers."""
        self._builder.StartObject(1 + max([*offsets, *(int8 or {}), *(int32 or {})], default=0))
        for slot, offset in offsets.items():
            self._builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        for slot, value in (int8 or {}).items():
            self._builder.PrependInt8Slot(slot, value, 0)
        for slot, value in (int32 or {}).items():
            self._builder.PrependInt32Slot(slot, value, 0)
        return int(self._builder.EndObject())

    def finished(self, root: int) -> bytes:
        """Return the file with this table as its root."""
        self._builder.Finish(root, _IDENTIFIER)
        return bytes(self._builder.Output())
