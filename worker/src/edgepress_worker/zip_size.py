"""The size of a file in a zip archive, the usual measure for compressed networks.

It uses Deflate at level 6, the default of ``zip``, of Python's `zipfile` and of most archivers. The number is what a
user gets who zips the file, not the smallest possible size. Nothing is written to disk, and memory does not grow with
the file.
"""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_DEFLATE_LEVEL = 6
# An archive contains names. Files in a store are named by their digest; a fixed name makes the size independent of it.
_NAME_IN_ARCHIVE = "model"


@dataclass(frozen=True)
class FileSize:
    """The sizes of a file.

    Attributes:
        size_bytes: Size in bytes.
        zip_bytes: Size of a zip archive of the file, in bytes.
    """

    size_bytes: int
    zip_bytes: int


def weigh(*paths: Path) -> tuple[FileSize, ...]:
    """Return the sizes of files, computed in parallel: one thread deflates about 40 MB per second.

    Raises:
        OSError: A file can't be read.
    """
    with ThreadPoolExecutor(len(paths)) as threads:
        return tuple(threads.map(lambda path: FileSize(path.stat().st_size, zip_bytes(path)), paths))


def zip_bytes(path: Path) -> int:
    """Return the size in bytes of a zip archive that contains only this file.

    It depends on the content of the file only, not on its name or times.

    Raises:
        OSError: The file can't be read.
    """
    nowhere = _MeasuringSink()
    with zipfile.ZipFile(
        nowhere, "w", zipfile.ZIP_DEFLATED, compresslevel=_DEFLATE_LEVEL, strict_timestamps=False
    ) as archive:
        archive.write(path, _NAME_IN_ARCHIVE)
    return nowhere.end


class _MeasuringSink(io.RawIOBase):
    """A file that discards the written bytes and only records its length.

    It is seekable, because otherwise `zipfile` would append the sizes instead of filling them in.
    """

    def __init__(self) -> None:
        self.end = 0
        self._position = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, origin: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.end}[origin]
        self._position = origin + offset
        return self._position

    def write(self, content: "ReadableBuffer") -> int:
        length = memoryview(content).nbytes
        self._position += length
        self.end = max(self.end, self._position)
        return length
