"""The size of a file in a zip archive, the usual measure for compressed networks.

It uses Deflate at level 6, the default of ``zip``, of Python's `zipfile` and of most archivers. The number is what a
user gets who zips the file, not the smallest possible size. Nothing is written to disk, and memory does not grow with
the file.

A long file is deflated in blocks, as pigz does (https://zlib.net/pigz): each block begins with the last 32 KiB before
it as its dictionary, so that blocks are compressed in parallel, and their bytes follow one another in one valid stream.
Each end of a block changes the size by less than a hundred bytes; a file of one block takes as many as with `zipfile`.
"""

import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

_DEFLATE_LEVEL = 6
_BLOCK_BYTES = 8 << 20
_WINDOW_BYTES = 1 << 15  # how far Deflate looks back
# An archive contains names. Files in a store are named by their digest; a fixed name makes the size independent of it.
_NAME_IN_ARCHIVE = "model"
# Header of the file, its entry in the directory, and the end of the directory: APPNOTE.TXT, sections 4.3.7, 12 and 16.
_ARCHIVE_BYTES = 30 + 46 + 22 + 2 * len(_NAME_IN_ARCHIVE)


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
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        blocks = [threads.map(partial(_deflated_bytes, path), block_starts(path)) for path in paths]
        return tuple(
            FileSize(path.stat().st_size, _ARCHIVE_BYTES + sum(sizes))
            for path, sizes in zip(paths, blocks, strict=True)
        )


def zip_bytes(path: Path) -> int:
    """Return the size in bytes of a zip archive that contains only this file, of 2 GiB at most.

    It depends on the content of the file only, not on its name or times.

    Raises:
        OSError: The file can't be read.
    """
    return weigh(path)[0].zip_bytes


def deflated(path: Path, start: int) -> bytes:
    """Return the bytes of a block in a stream of Deflate of a file.

    Args:
        path: The file.
        start: Place of the block's first byte in the file, as `block_starts` has it.
    """
    with path.open("rb") as file:
        window = max(start - _WINDOW_BYTES, 0)
        file.seek(window)
        deflate = zlib.compressobj(_DEFLATE_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=file.read(start - window))
        content = file.read(_BLOCK_BYTES)
        is_last = not file.peek(1)
        return deflate.compress(content) + deflate.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)


def block_starts(path: Path) -> range:
    """Return where each block of a file starts; an empty file has an empty one."""
    return range(0, max(path.stat().st_size, 1), _BLOCK_BYTES)


def _deflated_bytes(path: Path, start: int) -> int:
    return len(deflated(path, start))
