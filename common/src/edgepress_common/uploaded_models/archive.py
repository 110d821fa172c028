"""Opens a ``.keras`` file as what it may be: a zip that somebody made to do harm.

Only the three files that Keras writes may be in it, under exactly these names, so no path of the zip's is ever used.
All are read up to a limit and no further, whatever the zip says of their size.
"""

import json
import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from pydantic import JsonValue

from edgepress_common.errors import InvalidInputError

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ACCEPTED = f"accepted: a .keras file as model.save('name.keras') writes it, with {_CONFIG}, {_METADATA}, {_WEIGHTS}"

_MAX_CONFIG_BYTES = 8 << 20  # ten times that of a DenseNet201, 427 layers deep
_MAX_METADATA_BYTES = 64 << 10
_MAX_WEIGHTS_BYTES = 2 << 30
_MOST_COMPRESSED = 100  # weights hardly are; what grows to more was made to
_NAMES_SHOWN = 5
_ZIP_SIGNATURE = b"PK\x03\x04"
_ZIP_END_SIGNATURE = b"PK\x05\x06"
_ZIP_END_BYTES = 22  # of the last record, without a comment
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_config(path: Path) -> JsonValue:
    """The description of the network in a file, with all else that is in the file looked at from outside.

    Raises:
        InvalidInputError: It is no ``.keras`` file, or has something in it that none has.
    """
    with _opened(path) as archive:
        content = _whole(archive, _CONFIG, _MAX_CONFIG_BYTES)
    try:
        parsed: JsonValue = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{_CONFIG} can't be read as JSON: {_shortly(error)}; {_ACCEPTED}") from error
    return parsed


def copy_weights(path: Path, to: Path) -> None:
    """Takes the file of weights out, unopened.

    Raises:
        InvalidInputError: See `read_config`.
    """
    with _opened(path) as archive, archive.open(_WEIGHTS) as source, to.open("wb") as target:
        try:
            shutil.copyfileobj(_Limited(source, _MAX_WEIGHTS_BYTES), target)
        except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
            raise InvalidInputError(f"{_WEIGHTS} is damaged: {error}; {_ACCEPTED}") from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with path.open("rb") as file:
        beginning = file.read(len(_HDF5_SIGNATURE))
        file.seek(max(file.seek(0, os.SEEK_END) - _ZIP_END_BYTES, 0))
        end = file.read()
    if beginning == _HDF5_SIGNATURE:
        raise InvalidInputError(f"it is an HDF5 file (.h5), which can't be checked without opening it; {_ACCEPTED}")
    if not beginning.startswith(_ZIP_SIGNATURE):
        raise InvalidInputError(f"it begins with {beginning[:4]!r}, which no .keras file does; {_ACCEPTED}")
    try:
        with zipfile.ZipFile(path) as archive:
            _look_at_members(archive)
            # Without a comment, and Keras writes none, nothing stands behind the last record.
            if not end.startswith(_ZIP_END_SIGNATURE):
                raise InvalidInputError(f"it has something behind the zip; {_ACCEPTED}")
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise InvalidInputError(f"it can't be read as a zip: {error}; {_ACCEPTED}") from error


def _look_at_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if sorted(names) != sorted([_CONFIG, _METADATA, _WEIGHTS]):
        shown = ", ".join(repr(name[:100]) for name in names[:_NAMES_SHOWN])
        raise InvalidInputError(f"it has {len(names)} files inside, {shown}; {_ACCEPTED}")
    if min(member.header_offset for member in members) != 0:
        raise InvalidInputError(f"it has something before the zip; {_ACCEPTED}")
    limits = {_CONFIG: _MAX_CONFIG_BYTES, _METADATA: _MAX_METADATA_BYTES, _WEIGHTS: _MAX_WEIGHTS_BYTES}
    for member in members:
        # The upper half is Unix's file mode, and has no kind where the archive was not made there.
        if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG} or member.flag_bits & 1:
            raise InvalidInputError(f"{member.filename} is encrypted, or no plain file; {_ACCEPTED}")
        if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InvalidInputError(f"{member.filename} is compressed by method {member.compress_type}; {_ACCEPTED}")
        if member.file_size > limits[member.filename]:
            raise InvalidInputError(
                f"{member.filename} has {member.file_size} bytes; accepted: up to {limits[member.filename]}"
            )
    weights = archive.getinfo(_WEIGHTS)
    if weights.file_size > _MOST_COMPRESSED * max(weights.compress_size, 1):
        raise InvalidInputError(
            f"{_WEIGHTS} grows from {weights.compress_size} to {weights.file_size} bytes; accepted: a hundredfold"
        )
    with archive.open(_WEIGHTS) as file:
        beginning = file.read(len(_HDF5_SIGNATURE))
    if beginning != _HDF5_SIGNATURE:
        raise InvalidInputError(f"{_WEIGHTS} begins with {beginning[:4]!r}, which no HDF5 file does; {_ACCEPTED}")


def _whole(archive: zipfile.ZipFile, name: str, limit_bytes: int) -> bytes:
    with archive.open(name) as file:
        return _Limited(file, limit_bytes).read()


class _Limited:
    """A file that raises once it gives more than so many bytes."""

    def __init__(self, file: IO[bytes], limit_bytes: int) -> None:
        self._file = file
        self._left = limit_bytes

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(self._left + 1 if size < 0 else size)
        self._left -= len(content)
        if self._left < 0:
            raise InvalidInputError("a file in it is larger than the zip says, and than is accepted")
        return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _shortly(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
