"""The images and labels of a split, as a stream.

The file of images may be larger than the board's memory, so it is read in small pieces with plain reads. A memory map
would be as fast, but its pages count as resident memory and would displace the model's on a small board.
"""

import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from edgepress_common.errors import UnreadableDatasetError

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

# A chunk is large enough that reading it costs microseconds per image. It is small enough that, converted to float32,
# it stays in the processor's cache and in memory that the allocator reuses (larger pieces cost page faults each time).
# A chunk has few images even if they are small, so that progress is reported often if an inference takes long.
_CHUNK_BYTES = 1 << 16
_CHUNK_IMAGES = 64
_IMAGE_RANK = 4


class ValidationPack:
    """Two .npy files: images, uint8 ``(n, height, width, channels)``, and labels, int64 ``(n,)``.

    Attributes:
        labels: All labels, int64 ``(n,)``.
        image_shape: Height, width and channels.
        chunk_images: Number of images per chunk, except for the last chunk.
    """

    def __init__(self, images_path: Path, offset: int, image_shape: tuple[int, ...], labels: Labels) -> None:
        self._images_path = images_path
        self._offset = offset
        self.image_shape = image_shape
        self.labels = labels
        self._image_bytes = int(np.prod(image_shape))
        self.chunk_images = min(_CHUNK_IMAGES, max(1, _CHUNK_BYTES // self._image_bytes))

    @classmethod
    def open(cls, images_path: Path, labels_path: Path) -> Self:
        """Read the header of the images, and the labels.

        Raises:
            UnreadableDatasetError: The files are not a valid pack, or do not match each other.
        """
        with images_path.open("rb") as file:
            shape, dtype = _read_header(file, images_path)
            offset = file.tell()
            held_bytes = os.fstat(file.fileno()).st_size - offset
        if dtype != np.uint8 or len(shape) != _IMAGE_RANK or 0 in shape:
            raise UnreadableDatasetError(
                f"{images_path.name} contains {dtype} {shape}; accepted: uint8 (n, height, width, channels), not empty"
            )
        if held_bytes != np.prod(shape, dtype=np.int64):
            raise UnreadableDatasetError(
                f"{images_path.name} contains {held_bytes} bytes of images, but its header has the shape {shape}"
            )
        labels = _read_labels(labels_path)
        if len(labels) != shape[0]:
            raise UnreadableDatasetError(f"there are {shape[0]} images but {len(labels)} labels; accepted: as many")
        return cls(images_path, offset, shape[1:], labels)

    def first(self, count: int | None) -> Self:
        """Return the first images as a pack of their own; None returns all."""
        return type(self)(self._images_path, self._offset, self.image_shape, self.labels[:count])

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    def chunks(self, start: int, stop: int) -> Iterator[Images]:
        """Yield the images from ``start`` up to ``stop``, in order, in chunks ``(k, height, width, channels)``."""
        with self._images_path.open("rb") as file:
            file.seek(self._offset + start * self._image_bytes)
            for first in range(start, stop, self.chunk_images):
                count = min(self.chunk_images, stop - first)
                yield self._read(file, count)

    def cycle(self, count: int) -> Iterator[Images]:
        """Yield the first ``count`` images in chunks. If the pack has fewer, it starts again from the beginning."""
        while count > 0:
            stop = min(count, len(self))
            yield from self.chunks(0, stop)
            count -= stop

    def _read(self, file: BufferedReader, count: int) -> Images:
        chunk = np.empty((count, *self.image_shape), np.uint8)
        if file.readinto(chunk.data) != chunk.nbytes:
            raise UnreadableDatasetError(f"{self._images_path.name} ended before its last image")
        return chunk


def _read_header(file: BufferedReader, path: Path) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    try:
        major, _ = npy.read_magic(file)
        read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
        shape, fortran_order, dtype = read(file)
    except ValueError as error:
        raise UnreadableDatasetError(f"{path.name} is not a valid .npy file: {error}") from error
    if fortran_order:
        raise UnreadableDatasetError(f"{path.name} is in Fortran order; accepted: C order, one image after the other")
    return shape, dtype


def _read_labels(path: Path) -> Labels:
    try:
        labels: Labels = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise UnreadableDatasetError(f"{path.name} is not a valid .npy file: {error}") from error
    if labels.dtype != np.int64 or labels.ndim != 1:
        raise UnreadableDatasetError(f"{path.name} contains {labels.dtype} {labels.shape}; accepted: int64 (n,)")
    return labels
