"""Sends files in chunks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edgepress_common.errors import InvalidInputError

Sent = Callable[[int, int], object]
"""Called with the number of bytes sent so far, and the total."""

SENDING_SECONDS = 300.0
"""Time until the response: the gateway validates the file once it has arrived."""

_CHUNK_BYTES = 256 << 10


def file_size(file: BinaryIO) -> int:
    """Return the size of an open file in bytes."""
    here = file.tell()
    size = file.seek(0, 2)
    file.seek(here)
    return size


def chunks_of(file: BinaryIO, total: int, sent: Sent) -> Iterator[bytes]:
    """Yield the chunks of a file of a known size."""
    sent(0, total)
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
        sent(file.tell(), total)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise an `InvalidInputError` if the file can't be read."""
    try:
        yield
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else path
        raise InvalidInputError(f"can't read {name}: {error.strerror or error}") from error
