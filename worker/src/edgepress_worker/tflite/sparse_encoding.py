"""TFLite's sparse encoding of constants: removes the zeros of a tensor, and restores them.

A tensor is a tree. It has one level per dimension, in any order, and a second level for each dimension that is divided
into blocks, for the entries within a block. The stored values are the leaves, in order.

1. In a dense level, each node above has ``size`` children, at the coordinates 0 ... size - 1.
2. In a sparse level, node ``i`` has the children ``segments[i]`` to ``segments[i + 1]``, whose coordinates are in
   ``indices``. Values at other coordinates are zero.
3. A coordinate is multiplied by the dimension's stride, and by the block's size if it counts blocks. The sum over the
   levels is the position of the leaf.

Zeros are removed along one dimension, the last level; all other levels are dense. The converter's own encoding
(``tf.lite.Optimize.EXPERIMENTAL_SPARSITY``) always uses the last dimension. This module uses the dimension that needs
the fewest bytes: coordinates up to 255 need one byte each, larger ones two.

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
        size: Number of children of every node; unused if the level is sparse.
        segments: Position of each node's first child in ``indices``, and the end of the last node's; None if dense.
        indices: Coordinates of the children; None if dense.
    """

    size: int = 0
    segments: npt.NDArray[np.integer] | None = None
    indices: npt.NDArray[np.integer] | None = None


@dataclass(frozen=True)
class SparseEncoding:
    """Layout of a tensor's values.

    Attributes:
        order: The dimension of each level. A number from the tensor's rank on means the level within the blocks of
            ``blocked_dimensions[dimension - rank]``.
        blocked_dimensions: The dimensions that are divided into blocks.
        levels: The levels, from the root down.
    """

    order: tuple[int, ...]
    blocked_dimensions: tuple[int, ...]
    levels: tuple[Level, ...]

    @property
    def size_bytes(self) -> int:
        """Size of the segments and indices in a file, in bytes."""
        arrays = [array for level in self.levels for array in (level.segments, level.indices) if array is not None]
        return sum(array.nbytes for array in arrays)


def leave_out_zeros(whole: npt.NDArray[_Code]) -> tuple[npt.NDArray[_Code], SparseEncoding]:
    """Return the values of a tensor that are not zero, and their encoding: the inverse of `fill_in_zeros`.

    Args:
        whole: Dense tensor of any shape.

    Returns:
        The values, ``(n,)``, and the encoding, whose arrays have the narrowest type for their numbers.
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
    """Return the dense tensor.

    Args:
        stored: The stored values, ``(n,)``.
        shape: Shape of the dense tensor.
        encoding: Encoding of the stored values.

    Raises:
        StepFailedError: The encoding expects another number of values.
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
            f"a sparse tensor of shape {shape} has {len(stored)} values where its encoding expects {len(offsets)}"
        )
    dense = np.zeros(math.prod(shape), stored.dtype)
    dense[offsets] = stored
    return dense.reshape(shape)


def _strides(shape: tuple[int, ...], encoding: SparseEncoding) -> list[int]:
    """Return the stride of each level: the distance between neighbouring coordinates, in values of the dense tensor."""
    rank = len(shape)
    strides = [math.prod(shape[dimension + 1 :]) for dimension in range(rank)]
    block_strides = [strides[dimension] for dimension in encoding.blocked_dimensions]
    for dimension, level in zip(encoding.order, encoding.levels, strict=True):
        if dimension >= rank:
            strides[encoding.blocked_dimensions[dimension - rank]] *= level.size
    by_dimension = strides + block_strides
    return [by_dimension[dimension] for dimension in encoding.order]


def _width(largest: int) -> int:
    """Return the size of the narrowest type for numbers up to ``largest``, in bytes."""
    return np.min_scalar_type(largest).itemsize


def _narrow(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.integer]:
    return numbers.astype(np.min_scalar_type(numbers.max(initial=0)))
