"""Reads images and labels of a pack from the artifact store: one image, or all labels, never all images.

The files are those that workers write (`numpy.save`, format 1.0 of NEP 1): a header of fixed form, then the values,
row by row. Only arrays of the forms that packs have are accepted.
"""

import re
import struct
import sys
from array import array
from dataclasses import dataclass

from edgepress_common.architectures import MAX_IMAGE_SIZE
from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import InvalidInputError, NotFoundError

_HEADER_BYTES = 128  # numpy pads headers to multiples of 64, and those of packs fit into two
_START = struct.Struct("<8sH")  # magic string with version 1.0, and the length of the rest of the header
_MAGIC = b"\x93NUMPY\x01\x00"
_FIELDS = rb"\{'descr': '%s', 'fortran_order': False, 'shape': \((?P<shape>[0-9, ]{1,60})\), \} *\n"
_IMAGES = re.compile(_FIELDS % rb"\|u1")
_LABELS = re.compile(_FIELDS % rb"<i8")
_CHANNELS = 3
_IMAGE_RANK = 4
_MOST_LABELS = 4_000_000  # 32 MB


@dataclass(frozen=True)
class PackedImage:
    """An image as a network sees it.

    Attributes:
        side: Height and width in pixels.
        pixels: RGB, ``side x side x 3`` bytes, row by row.
    """

    side: int
    pixels: bytes


def read_image(store: ArtifactStore, sha256: str, index: int) -> PackedImage:
    """Return an image of an artifact.

    Args:
        store: The artifact store.
        sha256: Artifact with the images of a split.
        index: Row of the image, 0 or more.

    Raises:
        NotFoundError: The artifact is not in the store, is not an array of images, or has no such row.
    """
    offset, shape = _header(store, sha256, _IMAGES)
    if len(shape) != _IMAGE_RANK or shape[1] != shape[2] or not 0 < shape[1] <= MAX_IMAGE_SIZE or shape[3] != _CHANNELS:
        raise _not_images(sha256)
    count, side = shape[:2]
    size = side * side * _CHANNELS
    if index >= count:
        raise NotFoundError(f"artifact {sha256} has no image {index}; accepted: 0 to {count - 1}")
    pixels = store.read(sha256, offset + index * size, size)
    if len(pixels) != size:
        raise NotFoundError(f"artifact {sha256} ends before its image {index}")
    return PackedImage(side, pixels)


def read_labels(store: ArtifactStore, sha256: str, count: int) -> "array[int]":
    """Return the labels of a split.

    Args:
        store: The artifact store.
        sha256: Artifact with the labels.
        count: Number of images of the split.

    Raises:
        NotFoundError: The artifact is not in the store, or is not an array of so many labels.
        InvalidInputError: There are too many to be read for a page.
    """
    if count > _MOST_LABELS:
        raise InvalidInputError(f"the split has {count} images; accepted here: up to {_MOST_LABELS}")
    labels = array("q")
    offset, shape = _header(store, sha256, _LABELS)
    if shape == (count,):
        labels.frombytes(store.read(sha256, offset, count * labels.itemsize))
    if len(labels) != count:
        raise NotFoundError(f"artifact {sha256} is not an array of {count} labels")
    if sys.byteorder == "big":
        labels.byteswap()
    return labels


def _header(store: ArtifactStore, sha256: str, form: re.Pattern[bytes]) -> tuple[int, tuple[int, ...]]:
    """Return the offset of the values, and the shape."""
    beginning = store.read(sha256, 0, _HEADER_BYTES)
    if len(beginning) < _START.size:
        raise _not_images(sha256)
    magic, length = _START.unpack_from(beginning)
    found = form.fullmatch(beginning, _START.size, _START.size + length)
    if magic != _MAGIC or found is None:
        raise _not_images(sha256)
    shape = tuple(int(part) for part in found["shape"].split(b",") if part.strip())
    return _START.size + length, shape


def _not_images(sha256: str) -> NotFoundError:
    return NotFoundError(
        f"artifact {sha256} has no images; accepted: the images_sha256 of a data set's samples or a file's errors"
    )
