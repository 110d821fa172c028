"""Codes the images of a pack without loss: green, red minus green and blue minus green, as residuals of a prediction.

Blocks of 8x8 residuals are sorted into classes by their magnitude, and each class has a table of frequencies of its
own. `edgepress_common.bundle_files.decode` restores the images with two cumulative sums.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from edgepress_common.bundle_files import decode
from edgepress_worker.coded.sequences import number, smallest_noise, smallest_symbols

Images = npt.NDArray[np.uint8]

_CLASSES = 8
# Images that are coded together. Their tables take 0.2 % of the coded bytes, and decoding takes a few times the memory.
_PART_BYTES = 4 << 20
_READ_BYTES = 1 << 20


def code_images(source: Path, target: Path) -> bool:
    """Write the coded file of an .npy file of images.

    Args:
        source: The .npy file, uint8 ``(n, height, width, 3)``.
        target: The coded file to write.

    Returns:
        Whether there is a coded file, and it is smaller: not for a file beyond the size that decoders accept.
    """
    size_bytes = source.stat().st_size
    if size_bytes > decode.MOST_BYTES:
        return False
    images = np.load(source, mmap_mode="r")
    per_part = max(1, _PART_BYTES // int(np.prod(images.shape[1:])))
    header_bytes = size_bytes - images.nbytes
    if images[0].nbytes > decode.MOST_PART_BYTES:
        return False
    with source.open("rb") as file, target.open("wb") as coded:
        header = file.read(header_bytes)
        coded.write(decode.MAGIC + bytes((1,)) + size_bytes.to_bytes(8, "little") + _digest(source))
        starts = range(0, len(images), per_part)
        rest = smallest_symbols(np.frombuffer(header, np.uint8)).write()
        coded.write(number(len(starts)) + number(header_bytes) + number(len(rest)) + rest)
        for start in starts:
            _write_part(coded, np.asarray(images[start : start + per_part]), gap=0 if start else header_bytes)
    return target.stat().st_size < size_bytes


def _digest(source: Path) -> bytes:
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while content := file.read(_READ_BYTES):
            digest.update(content)
    return digest.digest()


def _write_part(coded: BinaryIO, images: Images, *, gap: int) -> None:
    content = b"".join(_node(images))
    plain = images.tobytes()
    if len(content) > len(plain):
        content = bytes((decode.RAW,)) + plain
    coded.write(number(gap) + number(len(plain)) + number(len(content)) + content)


def _node(images: Images) -> Iterator[bytes]:
    """Yield the sequence that restores images, ``(n, height, width, 3)``."""
    _, height, width, _ = images.shape
    yield bytes((decode.IMAGES,)) + number(height) + number(width) + number(_CLASSES)
    planes = _residuals(images)
    classes = [_classes_of_blocks(plane) for plane in planes]
    yield smallest_symbols(np.concatenate([each.reshape(-1) for each in classes])).write()
    for plane, of_block in zip(planes, classes, strict=True):
        of_pixel = of_block.repeat(decode.IMAGE_BLOCK, axis=1)[:, :height].repeat(decode.IMAGE_BLOCK, axis=2)
        for each in range(_CLASSES):
            chosen = plane[of_pixel[..., :width] == each]
            if chosen.size:
                yield smallest_noise(chosen).write()


def _residuals(images: Images) -> Images:
    """Return what differs from the prediction, modulo 256, ``(3, n, height, width)``."""
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    values = np.stack([green, red - green, blue - green])
    across = values.copy()
    across[..., 1:] -= values[..., :-1]
    residuals = across.copy()
    residuals[:, :, 1:] -= across[:, :, :-1]
    return residuals


def _classes_of_blocks(plane: Images) -> Images:
    """Return the class of each block of residuals ``(n, height, width)``, in equal shares of blocks, by magnitude."""
    count, height, width = plane.shape
    size = decode.IMAGE_BLOCK
    down, across = -(-height // size), -(-width // size)
    magnitudes = np.zeros((count, down * size, across * size), np.int32)
    magnitudes[:, :height, :width] = np.abs(plane.view(np.int8).astype(np.int16))
    sums = magnitudes.reshape(count, down, size, across, size).sum(axis=(2, 4))
    bounds = np.quantile(sums, np.linspace(0, 1, _CLASSES + 1)[1:-1])
    return np.digitize(sums, bounds).astype(np.uint8)
