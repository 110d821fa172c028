"""Constants stored without their zeros, the way TFLite does: how to leave zeros out, and fill them in again.

A tensor is a tree: one level per dimension, in some order, and one more level per dimension that is cut into blocks,
whose entries lie within a block. The stored values are the leaves, in order.

1. A dense level gives each node above it ``size`` children, at 0 ... size - 1.
2. A sparse level gives node ``i`` the children ``segments[i]`` to ``segments[i + 1]``, at the coordinates ``indices``
   tells; what isn't there is zero.
3. A coordinate moves a leaf on by the dimension's stride, times the block's size where it counts blocks.

Zeros are left out along one dimension, the last level: all others are dense. The converter's own encoding
(``tf.lite.Optimize.EXPERIMENTAL_SPARSITY``) takes the last dimension for it; here it is whichever takes the fewest
bytes, for coordinates up to 255 take one byte each, and larger ones two.

Format: ``SparsityParameters`` in TFLite's schema.fbs, after Chou et al. 2018, Format Abstraction for Sparse Tensor
Algebra Compilers, arXiv:1804.10112.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import StepFailedError

_Code = TypeVar("_Code", bound=np.generic)


@dataclass(frozen=True)
class Level:
    """One level of the tree: dense with a size, or sparse with segments and indices.

    Attributes:
        size: Number of children of every node; unused where the level is sparse.
        segments: Where each node's children begin in ``indices``, and where the last one's end; None if dense.
        indices: Coordinates of the children; None if dense.
    """

    size: int = 0
    segments: npt.NDArray[np.integer] | None = None
    indices: npt.NDArray[np.integer] | None = None


@dataclass(frozen=True)
class SparseEncoding:
    """How a tensor's values are laid out.

    Attributes:
        order: The dimension each level belongs to. From the tensor's rank on, the level within the blocks of
            ``blocked_dimensions[dimension - rank]``.
        blocked_dimensions: Those that are cut into blocks.
        levels: From the root down.
    """

    order: tuple[int, ...]
    blocked_dimensions: tuple[int, ...]
    levels: tuple[Level, ...]

    @property
    def size_bytes(self) -> int:
        """What segments and indices take in a file."""
        arrays = [array for level in self.levels for array in (level.segments, level.indices) if array is not None]
        return sum(array.nbytes for array in arrays)


def leave_out_zeros(whole: npt.NDArray[_Code]) -> tuple[npt.NDArray[_Code], SparseEncoding]:
    """The values of a tensor that are not zero, and where they belong: the inverse of `fill_in_zeros`.

    Args:
        whole: Of any shape.

    Returns:
        ``(n,)``, and the encoding, whose arrays have the narrowest type that holds them.
    """
    count = int(np.count_nonzero(whole))
    dimensions = range(whole.ndim)

    def size_bytes(dimension: int) -> int:
        length = whole.shape[dimension]
        return count * _width(length - 1) + (whole.size // length + 1) * _width(count)

    sparse = min(dimensions, key=size_bytes)
    dense = [dimension for dimension in dimensions if dimension != sparse]
    rows = np.moveaxis(whole, sparse, -1).reshape(-1, whole.shape[sparse])
    stays = rows != 0
    segments = np.concatenate([[0], np.cumsum(np.count_nonzero(stays, axis=1))])
    last = Level(segments=_narrow(segments), indices=_narrow(np.nonzero(stays)[1]))
    levels = (*(Level(size=whole.shape[dimension]) for dimension in dense), last)
    return rows[stays], SparseEncoding(order=(*dense, sparse), blocked_dimensions=(), levels=levels)


def fill_in_zeros(stored: npt.NDArray[_Code], shape: tuple[int, ...], encoding: SparseEncoding) -> npt.NDArray[_Code]:
    """The whole tensor.

    Args:
        stored: The values that are there, ``(n,)``.
        shape: Of the tensor.
        encoding: Where they belong.

    Raises:
        StepFailedError: The encoding has room for another number of values than there are.
    """
    offsets = np.zeros(1, np.int64)
    for level, stride in zip(encoding.levels, _strides(shape, encoding), strict=True):
        if level.segments is None or level.indices is None:
            coordinates = np.tile(np.arange(level.size), len(offsets))
            offsets = np.repeat(offsets, level.size)
        else:
            coordinates = level.indices.astype(np.int64)
            offsets = np.repeat(offsets, level.segments[1:] - level.segments[:-1])
        offsets += coordinates * stride
    if len(offsets) != len(stored):
        raise StepFailedError(
            f"a sparse tensor of shape {shape} has {len(stored)} values where its encoding has room for {len(offsets)}"
        )
    dense = np.zeros(math.prod(shape), stored.dtype)
    dense[offsets] = stored
    return dense.reshape(shape)


def _strides(shape: tuple[int, ...], encoding: SparseEncoding) -> list[int]:
    """For each level, how many values of the whole tensor one step of its coordinate passes over."""
    rank = len(shape)
    strides = [math.prod(shape[dimension + 1 :]) for dimension in range(rank)]
    block_strides = [strides[dimension] for dimension in encoding.blocked_dimensions]
    for dimension, level in zip(encoding.order, encoding.levels, strict=True):
        if dimension >= rank:
            strides[encoding.blocked_dimensions[dimension - rank]] *= level.size
    by_dimension = strides + block_strides
    return [by_dimension[dimension] for dimension in encoding.order]


def _width(largest: int) -> int:
    """Bytes of the narrowest type that holds numbers up to this one."""
    return np.min_scalar_type(largest).itemsize


def _narrow(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.integer]:
    return numbers.astype(np.min_scalar_type(numbers.max(initial=0)))
