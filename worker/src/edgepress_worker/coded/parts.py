"""The parts of a .tflite file that are coded by themselves: constants, scales, zero points and indices of zeros.

TensorFlow's generated classes read vectors as views of the file's bytes, so that a vector's address is its offset.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgepress_common.bundle_files import decode
from edgepress_worker.coded.sequences import Blocks, Channels
from edgepress_worker.tflite.file import TfliteFile

_LEAST_BYTES = 64  # shorter vectors gain nothing by themselves
_WIDTHS = {"float16": 2, "int16": 2, "float32": 4, "int32": 4, "float64": 8, "int64": 8}


@dataclass(frozen=True)
class Part:
    """Bytes of a file that belong together.

    Attributes:
        offset: Place of the first byte in the file.
        content: The bytes, uint8 ``(n,)``.
        width: Bytes of an element.
        channels: How the elements belong to channels; None if they do not.
        axes: Numbers of output channels, of places in a kernel and of input channels; None for other tensors.
        blocks: Blocks of elements that may repeat.
        may_be_hashed: Whether all elements with the same hash of their place may be equal.
        is_ascending: Whether elements mostly grow.
    """

    offset: int
    content: npt.NDArray[np.uint8]
    width: int
    channels: Channels | None = None
    axes: tuple[int, int, int] | None = None
    blocks: tuple[Blocks, ...] = ()
    may_be_hashed: bool = False
    is_ascending: bool = False

    @property
    def end(self) -> int:
        """Place after the last byte."""
        return self.offset + len(self.content)


def find_parts(content: bytes) -> list[Part]:
    """Return the parts of a file, in order and without overlaps; none is longer than a decoder accepts.

    Args:
        content: The bytes of the .tflite file.

    Raises:
        StepFailedError: The file can't be read; see `TfliteFile`.
    """
    file, whole = TfliteFile.parse(content), np.frombuffer(content, np.uint8)
    found: dict[int, Part] = {}
    for part in (*_constants(file, whole), *_quantizations(file, whole), *_sparsities(file, whole)):
        if len(part.content) >= _LEAST_BYTES:
            found.setdefault(part.offset, part)
    parts: list[Part] = []
    for part in sorted(found.values(), key=lambda part: part.offset):
        if not parts or part.offset >= parts[-1].end:
            parts += _divided(part)
    return parts


def _divided(part: Part) -> Iterator[Part]:
    if len(part.content) <= decode.MOST_PART_BYTES:
        yield part
        return
    for start in range(0, len(part.content), decode.MOST_PART_BYTES):
        piece = part.content[start : start + decode.MOST_PART_BYTES]
        yield Part(part.offset + start, piece, part.width, is_ascending=part.is_ascending)


def _part(whole: npt.NDArray[np.uint8], vector: Any, width: int, **properties: Any) -> Iterator[Part]:
    """Yield the part that a vector is a view of."""
    if not isinstance(vector, np.ndarray) or not vector.size:
        return
    offset = vector.ctypes.data - whole.ctypes.data
    size_bytes = vector.nbytes
    if 0 <= offset <= len(whole) - size_bytes and size_bytes % width == 0:
        yield Part(offset, whole[offset : offset + size_bytes], width, **properties)


def _constants(file: TfliteFile, whole: npt.NDArray[np.uint8]) -> Iterator[Part]:
    axes = {layer.tensor: layer.channel_axis for layer in file.weights}
    for index, tensor in enumerate(file.model.tensors):
        channels: Channels | None = None
        blocks: tuple[Blocks, ...] = ()
        sides = None
        # A byte of an int4 tensor has two codes, which may belong to two channels: it is coded as a plain sequence.
        if index in axes and tensor.sparse_encoding is None and tensor.type != "int4":
            first = axes[index] == 0
            layout = decode.BLOCKED if first else decode.INTERLEAVED
            channels = Channels(tensor.shape[axes[index]], layout)
            blocks = tuple(_blocks(tensor.shape))
            sides = (tensor.shape[0], math.prod(tensor.shape[1:-1]), tensor.shape[-1])
        yield from _part(
            whole,
            tensor.content,
            _WIDTHS.get(tensor.type, 1),
            channels=channels,
            axes=sides,
            blocks=blocks,
            may_be_hashed=sides is not None,
        )


def _blocks(shape: Sequence[int]) -> Iterator[Blocks]:
    """Yield the blocks that the stage `cluster` shares: kernels of two weights and more, and some input channels."""
    *_, inputs = shape
    area = math.prod(shape[1:-1])
    if area > 1:
        yield Blocks(area, inputs, area)
    for length in (2, 4, 8):
        if inputs % length == 0:
            yield Blocks(1, inputs, length)


def _quantizations(file: TfliteFile, whole: npt.NDArray[np.uint8]) -> Iterator[Part]:
    for tensor in file.tables.subgraphs[0].tensors:
        if tensor.quantization is not None:
            yield from _part(whole, tensor.quantization.scale, 4)
            yield from _part(whole, tensor.quantization.zeroPoint, 8)


def _sparsities(file: TfliteFile, whole: npt.NDArray[np.uint8]) -> Iterator[Part]:
    for tensor in file.tables.subgraphs[0].tensors:
        for level in () if tensor.sparsity is None else tensor.sparsity.dimMetadata:
            for table in (level.arraySegments, level.arrayIndices):
                if table is not None:
                    yield from _part(whole, table.values, table.values.itemsize, is_ascending=True)
