"""How large a file is once zipped, which is what the field compares compressed networks by.

Deflate at level 6, the default of ``zip``, of Python's `zipfile` and of most archivers: the figure is what a person
gets who zips the file, not the best that could be had. Nothing is written to disk, and memory does not grow with the
file.
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
# Names are part of an archive. Files of a store are named by their digest: a fixed name keeps that out of the figure.
_NAME_IN_ARCHIVE = "model"


@dataclass(frozen=True)
class FileSize:
    """Of one file.

    Attributes:
        size_bytes: As it is.
        zip_bytes: Zipped.
    """

    size_bytes: int
    zip_bytes: int


def weigh(*paths: Path) -> tuple[FileSize, ...]:
    """The sizes of files, all at the same time: deflating takes a second for some 40 MB, and one thread each.

    Raises:
        OSError: A file can't be read.
    """
    with ThreadPoolExecutor(len(paths)) as threads:
        return tuple(threads.map(lambda path: FileSize(path.stat().st_size, zip_bytes(path)), paths))


def zip_bytes(path: Path) -> int:
    """Size in bytes of a zip archive that holds this one file.

    Depends on the file's bytes alone, not on its name or times.

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
    """A file that forgets what is written to it and remembers how long it got.

    It can be sought, because `zipfile` goes back to fill in the sizes and would append them to the archive otherwise.
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

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.end}[whence]
        self._position = origin + offset
        return self._position

    def write(self, content: "ReadableBuffer") -> int:
        length = memoryview(content).nbytes
        self._position += length
        self.end = max(self.end, self._position)
        return length
