"""Adds named metadata to a .tflite file, in front of what the file has.

Writing a file again would move its constants, which the converter has aligned to 16 bytes, and those of a network take
seconds. A FlatBuffer is written from its end to its beginning, and its tables refer to what comes after them. So the
builder continues as if it had written the file itself: a new root table refers to the operators, subgraphs and buffers
of the file, whose bytes are not changed. The former root table stays as about a hundred bytes that nothing refers to.
"""

from collections.abc import Iterator, Sequence

import flatbuffers
from flatbuffers.table import Table
from tensorflow.lite.python import schema_py_generated as schema

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # of constants, see force_align in TensorFlow's schema
_OFFSET_BYTES = 4
_FIRST_SLOT = 4  # a table's field n is at 4 + 2n in its vtable
_VERSION, _BUFFERS, _METADATA = 0, 4, 6  # fields of the schema's table Model


def with_metadata(content: bytes, name: str, data: bytes) -> bytes:
    """Return the file with one more entry of metadata; what it computes, and its constants, are not changed.

    Args:
        content: Bytes of a .tflite file that nothing is appended to.
        name: Name of the entry.
        data: Bytes of the entry.
    """
    return _Extended(content).with_metadata(name, data)


class _Extended:
    """A file that is written on, towards its beginning."""

    def __init__(self, content: bytes) -> None:
        whole = bytearray(content) + bytes(-len(content) % _ALIGNMENT)
        self._size = len(whole)
        self._root = Table(whole, int.from_bytes(whole[:_OFFSET_BYTES], "little"))
        self._builder = flatbuffers.Builder(len(whole) + len(content) // 64 + 4096)
        self._builder.head -= len(whole)
        self._builder.Bytes[self._builder.head :] = whole

    def with_metadata(self, name: str, data: bytes) -> bytes:
        builder = self._builder
        written_name, vector = builder.CreateString(name), builder.CreateByteVector(data)
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        buffer = schema.BufferEnd(builder)
        buffers, entries = list(self._elements(_BUFFERS)), list(self._elements(_METADATA))
        schema.MetadataStart(builder)
        schema.MetadataAddName(builder, written_name)
        schema.MetadataAddBuffer(builder, len(buffers))
        entry = schema.MetadataEnd(builder)
        replaced = {_BUFFERS: self._vector([*buffers, buffer]), _METADATA: self._vector([*entries, entry])}
        builder.Finish(self._model(replaced), _IDENTIFIER)
        return bytes(builder.Output())

    def _model(self, replaced: dict[int, int]) -> int:
        builder, root = self._builder, self._root
        vtable = root.Pos - root.Get(flatbuffers.number_types.SOffsetTFlags, root.Pos)
        fields = root.Get(flatbuffers.number_types.VOffsetTFlags, vtable) // 2 - 2
        builder.StartObject(max(fields, *replaced) + 1)
        for field in range(fields):
            place = root.Offset(_FIRST_SLOT + 2 * field)
            if place and field == _VERSION:
                version = root.Get(flatbuffers.number_types.Uint32Flags, root.Pos + place)
                builder.PrependUint32Slot(field, version, 0)
            elif place and field not in replaced:
                builder.PrependUOffsetTRelativeSlot(field, self._from_end(root.Indirect(root.Pos + place)), 0)
        for field, vector in replaced.items():
            builder.PrependUOffsetTRelativeSlot(field, vector, 0)
        builder.minalign = _ALIGNMENT  # of the whole file: its constants are where they were
        return int(builder.EndObject())

    def _elements(self, field: int) -> Iterator[int]:
        """Yield where the tables of a vector are, as distances from the end of the file."""
        place = self._root.Offset(_FIRST_SLOT + 2 * field)
        if place:
            start = self._root.Vector(place)
            for index in range(self._root.VectorLen(place)):
                yield self._from_end(self._root.Indirect(start + index * _OFFSET_BYTES))

    def _from_end(self, position: int) -> int:
        return self._size - position

    def _vector(self, elements: Sequence[int]) -> int:
        self._builder.StartVector(_OFFSET_BYTES, len(elements), _OFFSET_BYTES)
        for element in reversed(elements):
            self._builder.PrependUOffsetTRelative(element)
        return int(self._builder.EndVector())
