"""Writes curves as the event files that TensorBoard opens.

A file is a row of records (TFRecord): the length, a checksum of that, an event, a checksum of that. An event is a
message of Protocol Buffers with a time and a step, and either the format's version (the first) or one figure. All there
is to know is in TensorFlow's ``record_writer.h``, ``event.proto`` and ``summary.proto``; a test reads the files back
with TensorBoard's own reader. Why not with its writer: docs/decisions/0013.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_VERSION = b"brain.Event:2"

# Castagnoli's polynomial, reversed, as CRC-32C has it; and how TFRecord masks a checksum.
_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8

# Numbers of fields, and how they are written, from the .proto files.
_WALL_TIME, _STEP, _FILE_VERSION, _SUMMARY = 1, 2, 3, 5
_VALUE, _TAG, _SIMPLE_VALUE = 1, 1, 2
_VARINT, _BITS_64, _BYTES, _BITS_32 = 0, 1, 2, 5


@dataclass(frozen=True)
class Point:
    """One figure of a curve.

    Attributes:
        tag: What it is of.
        step: Where on the curve, as an epoch's number.
        value: The figure.
        at: Its time, in seconds since 1970.
    """

    tag: str
    step: int
    value: float
    at: float


def event_file(points: Iterable[Point], began_at: float) -> bytes:
    """The file of some points, in their order."""
    return b"".join(map(_record, _events(points, began_at)))


def _events(points: Iterable[Point], began_at: float) -> Iterator[bytes]:
    yield _time(began_at) + _bytes(_FILE_VERSION, _VERSION)
    for point in points:
        value = _bytes(_TAG, point.tag.encode()) + _key(_SIMPLE_VALUE, _BITS_32) + struct.pack("<f", point.value)
        yield _time(point.at) + _key(_STEP, _VARINT) + _varint(point.step) + _bytes(_SUMMARY, _bytes(_VALUE, value))


def _time(seconds: float) -> bytes:
    return _key(_WALL_TIME, _BITS_64) + struct.pack("<d", seconds)


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(number: int) -> bytes:
    """Seven bits at a time, the lowest first; the eighth says that there are more."""
    written = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _masked_checksum(length) + content + _masked_checksum(content)


def _masked_checksum(content: bytes) -> bytes:
    checksum = 0xFFFFFFFF
    for byte in content:
        checksum = _TABLE[(checksum ^ byte) & 0xFF] ^ (checksum >> 8)
    checksum ^= 0xFFFFFFFF
    rotated = (checksum >> 15 | checksum << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + _MASK_DELTA) & 0xFFFFFFFF)


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(map(_table_entry, range(256)))
