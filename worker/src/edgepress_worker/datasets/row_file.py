"""An .npy file of images that several processes write row by row, in any order.

Rows are written through the file descriptor instead of a memory map: the bytes go to the page cache, so that they do
not count as memory of a process, and a full disk raises an `OSError`, where a memory map would kill the process.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_worker.datasets.decoding import CHANNELS, row_bytes

_COPY_BYTES = 4 << 20  # large enough for the speed of the disk, small enough for memory


class RowFile:
    """A uint8 array ``(rows, side, side, 3)`` in a file that has its full size from the start.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, rows: int, side: int) -> None:
        """Create the file, replacing an existing one.

        Raises:
            OSError: The disk has too little free space, which is reported at once instead of after most rows.
        """
        self.path = path
        self._side = side
        self._header_bytes = len(_header(rows, side))
        with path.open("wb") as file:
            file.write(_header(rows, side))
            file.flush()
            try:
                os.posix_fallocate(file.fileno(), 0, self.offset(rows))
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from error

    def offset(self, row: int) -> int:
        """Return the offset of a row, in bytes."""
        return self._header_bytes + row * row_bytes(self._side)

    def keep(self, kept: npt.NDArray[np.bool_]) -> None:
        """Remove rows and close the gaps; the other rows keep their order.

        Args:
            kept: ``(rows,)``, whether each row is kept.
        """
        with self.path.open("r+b") as file:
            target = 0
            for start, stop in _runs(kept):
                if start != target:
                    _move(file.fileno(), self.offset(start), self.offset(stop), self.offset(target))
                target += stop - start
            header = _header(target, self._side)
            assert len(header) == self._header_bytes  # numpy pads headers so that the first axis can be rewritten
            file.write(header)
            file.truncate(self.offset(target))


def _header(rows: int, side: int) -> bytes:
    header = io.BytesIO()
    shape = (rows, side, side, CHANNELS)
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue()


def _runs(kept: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield start and end (exclusive) of each run of kept rows."""
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _move(descriptor: int, start: int, stop: int, target: int) -> None:
    """Copy bytes towards the beginning of the file; the two ranges may overlap."""
    while start < stop:
        chunk = os.pread(descriptor, min(_COPY_BYTES, stop - start), start)
        written = os.pwrite(descriptor, chunk, target)
        start += written
        target += written
