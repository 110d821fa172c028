"""Opens a ``.keras`` file as untrusted input: a zip that may be made to do harm.

1. The last record of the zip must list three files in a small directory, before the directory is read.
2. Only the three files that Keras writes may be in it, under exactly these names: no path of the zip is ever used.
3. Each is read up to a limit, independent of the size that the zip states.
4. Brackets and commas of config.json are counted before it is parsed, so its size in memory is bounded.
"""

import json
import os
import re
import shutil
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from pydantic import JsonValue

from edgepress_common.damaged_zip import DAMAGED_ZIP
from edgepress_common.errors import InvalidInputError

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ACCEPTED = (
    f"accepted: a .keras file with {_CONFIG}, {_METADATA}, {_WEIGHTS}, as model.save('name.keras') writes it in "
    "TensorFlow 2.13 and later, and with save_format='keras_v3' in 2.12"
)

# EfficientNetV2L, with 1,030 layers: 1.1 MB, 40,000 values, nested 11 deep. A value takes about 60 bytes of memory.
_MAX_CONFIG_BYTES = 4 << 20
_MAX_VALUES = 250_000
_MAX_JSON_DEPTH = 100
_MAX_METADATA_BYTES = 64 << 10
_MAX_WEIGHTS_BYTES = 2 << 30
_MOST_COMPRESSED = 100  # real weights hardly compress; a higher ratio indicates a zip bomb
_NAMES_SHOWN = 5
_ZIP_SIGNATURE = b"PK\x03\x04"
_ZIP_END_SIGNATURE = b"PK\x05\x06"
_ZIP_END = struct.Struct("<4s4H2LH")  # the last record, without a comment: Keras writes none
_ZIP64_LOCATOR = b"PK\x06\x07"  # would stand before the last record, and be believed in its place
_ZIP64_LOCATOR_BYTES = 20
_MAX_DIRECTORY_BYTES = 4096  # three entries take about 200
_MAX_ENTRIES = 8  # enough to name those that don't belong
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_config(path: Path) -> JsonValue:
    """Return the description of the network in a file, after checking the file's other members from outside.

    Raises:
        InvalidInputError: It is not a ``.keras`` file, or contains something that Keras does not write.
    """
    with _opened(path) as archive:
        content = _whole(archive, _CONFIG, _MAX_CONFIG_BYTES)
    _check_extent(content)
    try:
        parsed: JsonValue = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{_CONFIG} can't be read as JSON: {_shortly(error)}; {_ACCEPTED}") from error
    return parsed


def copy_weights(path: Path, to: Path) -> None:
    """Extract the file of weights without opening it.

    Raises:
        InvalidInputError: See `read_config`.
    """
    with _opened(path) as archive, archive.open(_WEIGHTS) as source, to.open("wb") as target:
        try:
            shutil.copyfileobj(_Limited(source, _MAX_WEIGHTS_BYTES), target)
        except DAMAGED_ZIP as error:
            raise InvalidInputError(f"{_WEIGHTS} is damaged: {error}; {_ACCEPTED}") from error


def _check_extent(content: bytes) -> None:
    """Bound what parsing takes, by counts that also include what is inside strings."""
    values = 1 + sum(content.count(character) for character in (b",", b"[", b"{"))
    if values > _MAX_VALUES:
        raise InvalidInputError(f"{_CONFIG} has about {values} values; accepted: up to {_MAX_VALUES}")
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(content):
        character = match.group()[:1]
        if character != b'"':
            depth += 1 if character in b"[{" else -1
            deepest = max(deepest, depth)
    if deepest > _MAX_JSON_DEPTH:
        raise InvalidInputError(f"{_CONFIG} is nested too deeply, {deepest} levels; accepted: up to {_MAX_JSON_DEPTH}")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with path.open("rb") as file:
        beginning = file.read(len(_HDF5_SIGNATURE))
        file.seek(max(file.seek(0, os.SEEK_END) - _ZIP64_LOCATOR_BYTES - _ZIP_END.size, 0))
        end = file.read()
    if beginning == _HDF5_SIGNATURE:
        raise InvalidInputError(f"it is an HDF5 file (.h5), which can't be checked without opening it; {_ACCEPTED}")
    if not beginning.startswith(_ZIP_SIGNATURE):
        raise InvalidInputError(f"it begins with {beginning[:4]!r}, unlike a .keras file; {_ACCEPTED}")
    _check_end(end)
    try:
        with zipfile.ZipFile(path) as archive:
            _look_at_members(archive)
            yield archive
    except DAMAGED_ZIP as error:
        raise InvalidInputError(f"it can't be read as a zip: {error}; {_ACCEPTED}") from error


def _check_end(end: bytes) -> None:
    """Check the zip's last record, so that a large directory is never read."""
    before, last = end[: -_ZIP_END.size], end[-_ZIP_END.size :]
    if len(last) != _ZIP_END.size or not last.startswith(_ZIP_END_SIGNATURE):
        raise InvalidInputError(
            f"it can't be read as a zip: it is truncated, or has additional bytes after the zip; {_ACCEPTED}"
        )
    _, _, _, _, entries, directory_bytes, _, _ = _ZIP_END.unpack(last)
    if before.startswith(_ZIP64_LOCATOR):
        raise InvalidInputError(f"it is a zip of the format zip64; {_ACCEPTED}")
    if entries > _MAX_ENTRIES or directory_bytes > _MAX_DIRECTORY_BYTES:
        raise InvalidInputError(
            f"it has {entries} files inside, in a directory of {directory_bytes} bytes; {_ACCEPTED}"
        )


def _look_at_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if sorted(names) != sorted([_CONFIG, _METADATA, _WEIGHTS]):
        shown = ", ".join(repr(name[:100]) for name in names[:_NAMES_SHOWN])
        raise InvalidInputError(f"it has {len(names)} files inside, {shown}; {_ACCEPTED}")
    if min(member.header_offset for member in members) != 0:
        raise InvalidInputError(f"it has additional bytes before the zip; {_ACCEPTED}")
    limits = {_CONFIG: _MAX_CONFIG_BYTES, _METADATA: _MAX_METADATA_BYTES, _WEIGHTS: _MAX_WEIGHTS_BYTES}
    for member in members:
        # The upper half is the Unix file mode. It has no file type if the archive was created elsewhere.
        if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG} or member.flag_bits & 1:
            raise InvalidInputError(f"{member.filename} is encrypted, or not a regular file; {_ACCEPTED}")
        if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InvalidInputError(f"{member.filename} is compressed by method {member.compress_type}; {_ACCEPTED}")
        if member.file_size > limits[member.filename]:
            raise InvalidInputError(
                f"{member.filename} has {member.file_size} bytes; accepted: up to {limits[member.filename]}"
            )
    weights = archive.getinfo(_WEIGHTS)
    if weights.file_size > _MOST_COMPRESSED * max(weights.compress_size, 1):
        raise InvalidInputError(
            f"{_WEIGHTS} expands from {weights.compress_size} to {weights.file_size} bytes; accepted: a factor of up "
            f"to {_MOST_COMPRESSED}"
        )
    with archive.open(_WEIGHTS) as file:
        beginning = file.read(len(_HDF5_SIGNATURE))
    if beginning != _HDF5_SIGNATURE:
        raise InvalidInputError(f"{_WEIGHTS} begins with {beginning[:4]!r}, unlike an HDF5 file; {_ACCEPTED}")


def _whole(archive: zipfile.ZipFile, name: str, limit_bytes: int) -> bytes:
    with archive.open(name) as file:
        return _Limited(file, limit_bytes).read()


class _Limited:
    """A file that raises an error when more than a number of bytes are read."""

    def __init__(self, file: IO[bytes], limit_bytes: int) -> None:
        self._file = file
        self._left = limit_bytes

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(self._left + 1 if size < 0 else size)
        self._left -= len(content)
        if self._left < 0:
            raise InvalidInputError("a file in it is larger than the size that the zip declares, or than the limit")
        return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")


def _shortly(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
