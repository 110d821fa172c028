"""Blocks of weights in a kernel, and how many of them differ."""

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from edgepress_common.promises import Block
from edgepress_worker.keras_environment import tf

Codes = TypeVar("Codes", bound=np.generic)


@dataclass(frozen=True)
class BlockLayout:
    """How a kernel in Keras's layout is divided into blocks.

    Attributes:
        shape: Shape of the kernel, ``(height, width, in, out)`` or ``(in, out)``.
        block: Kind of block.
    """

    shape: tuple[int, ...]
    block: Block

    @property
    def length(self) -> int:
        """Number of weights in a block; 1 if the kernel is not made of such blocks."""
        if self.block == "kernel":
            return math.prod(self.shape[:-2])
        length = 1 if self.block == "weight" else int(self.block.removeprefix("1x"))
        return 1 if self.shape[-2] % length else length

    def rows(self, weights: tf.Tensor) -> tf.Tensor:
        """Return the blocks of a kernel, ``(blocks, length)``: those of an output channel follow one another."""
        return tf.reshape(tf.transpose(weights, self._axes), (-1, self.length))

    def weights(self, rows: tf.Tensor) -> tf.Tensor:
        """Return the kernel that has such blocks."""
        moved = tf.reshape(rows, [self.shape[axis] for axis in self._axes])
        return tf.transpose(moved, np.argsort(self._axes))

    @property
    def _axes(self) -> tuple[int, ...]:
        rank = len(self.shape)
        others = tuple(range(rank - 2))
        inputs = rank - 2
        return (rank - 1, inputs, *others) if self.block == "kernel" else (rank - 1, *others, inputs)


def stored_blocks(codes: npt.NDArray[Codes], block: Block) -> npt.NDArray[Codes]:
    """Return the blocks of a kernel in TFLite's layout.

    Args:
        codes: Stored weights, ``(out, height, width, in)`` or ``(out, in)``.
        block: Kind of block.

    Returns:
        The blocks, ``(out, blocks of a channel, length)``.
    """
    channels, inputs = codes.shape[0], codes.shape[-1]
    rows = codes.reshape(channels, -1, inputs)
    if block == "kernel":
        return rows.transpose(0, 2, 1)
    return rows.reshape(channels, -1, int(block.removeprefix("1x")))


def unique_rows(rows: npt.NDArray[Any]) -> int:
    """Return the number of different rows, ``(rows, length)``."""
    plain = np.ascontiguousarray(rows + rows.dtype.type(0))  # the two zeros of floats are one value
    return len(np.unique(plain.view(np.dtype((np.void, plain.shape[1] * plain.itemsize)))))


def without_sign(rows: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Return rows of int8 codes; of a row and its negative the one whose first element that is not 0 is positive."""
    wide = rows.astype(np.int16)
    first = np.take_along_axis(wide, (wide != 0).argmax(axis=1)[:, np.newaxis], axis=1)
    return np.asarray(np.where(first < 0, -wide, wide), np.int16)
