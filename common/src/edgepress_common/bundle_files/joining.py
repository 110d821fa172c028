"""Joins coded files into one, in which equal parts are stored once.

Coded files need not be decoded for this: the coded length of each part comes first; see docs/coded-files.md. The same
tensor is coded to the same bytes in each file.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edgepress_common.errors import InvalidInputError

JOINED = "models.epz"

# As in `edgepress_common.bundle_files.decode`, which needs numpy.
_MAGIC = b"\x89EPZ"
_VERSION = 2
_HEADER_BYTES = 40  # size and SHA-256 of a .tflite file
_MOST_FILES, _MOST_NAME_BYTES, _MOST_BYTES = 1 << 8, 255, 1 << 30


def join_coded_files(files: Mapping[str, Path], target: BinaryIO) -> None:
    """Write a coded file that restores the .tflite files of several.

    Args:
        files: Coded files of one .tflite file each, by the names of the .tflite files: relative paths with slashes.
        target: Receives the coded file.

    Raises:
        InvalidInputError: A file is not such a coded file, or there are too many.
    """
    names = [name.encode() for name in files]
    if not 1 <= len(files) <= _MOST_FILES or max(map(len, names)) > _MOST_NAME_BYTES:
        raise InvalidInputError(
            f"{len(files)} coded files can't be joined; accepted: 1 to {_MOST_FILES}, with names of at most "
            f"{_MOST_NAME_BYTES} bytes"
        )
    headers = [_read(path).header for path in files.values()]
    size_bytes = sum(int.from_bytes(header[:8], "little") for header in headers)
    if size_bytes > _MOST_BYTES:
        raise InvalidInputError(f".tflite files of {size_bytes} bytes can't be joined; accepted: {_MOST_BYTES}")
    target.write(_MAGIC + bytes((_VERSION,)) + _number(len(files)))
    target.write(b"".join(_number(len(name)) + name for name in names) + b"".join(headers))
    places: dict[tuple[int, bytes], int] = {}
    for path in files.values():
        target.writelines(_parts(_read(path), places))


@dataclass
class _Content:
    """The bytes of a coded file, and how many of them are read.

    Attributes:
        path: The file, for errors.
        content: Its bytes.
        header: Size and SHA-256 of its .tflite file.
        at: Place of the next byte.
    """

    path: Path
    content: bytes
    header: bytes = b""
    at: int = 0

    def take(self, count: int) -> bytes:
        taken = self.content[self.at : self.at + count]
        self.at += count
        if len(taken) != count:
            raise InvalidInputError(f"{self.path} is damaged: it ends early; download it again")
        return taken

    def number(self) -> int:
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:  # noqa: PLR2004 - the eighth bit says that another byte follows
                return value


def _read(path: Path) -> _Content:
    """Return the bytes of a coded file after its header."""
    found = _Content(path, path.read_bytes())
    magic, version = found.take(len(_MAGIC)), found.take(1)[0]
    if magic != _MAGIC or not 1 <= version <= _VERSION:
        raise InvalidInputError(
            f"{path} is not a coded file of version 1 to {_VERSION}; use the client of the release that wrote it"
        )
    if version > 1:
        if found.number() != 1:
            raise InvalidInputError(f"{path} has several .tflite files; accepted: a coded file of one")
        found.take(found.number())
    found.header = found.take(_HEADER_BYTES)
    return found


def _parts(found: _Content, places: dict[tuple[int, bytes], int]) -> Iterator[bytes]:
    """Yield what follows the headers for a file.

    Args:
        found: The file, after its header.
        places: Place of each part that was written, by its size and the SHA-256 of its coded bytes; parts are added.
    """
    parts, rest_bytes = found.number(), found.number()
    yield _number(parts) + _number(rest_bytes)
    if rest_bytes:
        yield _part(found, rest_bytes, places)
    for _ in range(parts):
        gap, size = found.number(), found.number()
        yield _number(gap) + _number(size)
        yield _part(found, size, places)
    if found.at != len(found.content):
        raise InvalidInputError(f"{found.path} is damaged: bytes follow its last part; download it again")


def _part(found: _Content, size: int, places: dict[tuple[int, bytes], int]) -> bytes:
    """Return the next part, or the place of the one that it is equal to."""
    length = found.number()
    content = found.take(length)
    key = (size, hashlib.sha256(content).digest())
    if key in places:
        return _number(0) + _number(places[key])
    places[key] = len(places)
    return _number(length) + content


def _number(value: int) -> bytes:
    """Return a number as LEB128."""
    content = bytearray()
    while value > 127:  # noqa: PLR2004 - what seven bits hold
        content.append(value & 127 | 128)
        value >>= 7
    content.append(value)
    return bytes(content)
