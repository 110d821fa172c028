"""A layer's weights, and the factors whose product is near to them.

- A dense layer or 1x1 convolution is a matrix. Its singular value decomposition, truncated to a rank, is the nearest
  matrix of that rank (Eckart and Young 1936).
- Other convolutions have two ranks: of the input channels and of the output channels. Their factors are a 1x1
  convolution, a convolution of the same kernel size and a 1x1 convolution (Tucker-2, Kim et al. 2016,
  arXiv:1511.06530). The leading singular vectors of both unfoldings are the start, which alternating least squares
  improves (HOOI, De Lathauwer et al. 2000, doi:10.1137/S0895479898346995).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from edgepress_worker.compression.kernels import KernelValues

Numbers = npt.NDArray[np.float64]
Ranks = tuple[int, ...]
"""Rank of a matrix, or ranks of input and output channels."""

_ALTERNATIONS = 5  # of alternating least squares, which starts near to its optimum


@dataclass(frozen=True)
class Factors:
    """The kernels of a chain of layers, in Keras's layout; None where a layer is left out because its rank is full.

    Attributes:
        entry: To fewer channels, ``(1, 1, in, rank)``.
        core: Among these, ``(height, width, rank, rank)``; None for a matrix.
        exit: Back to all channels, ``(1, 1, rank, out)``.
    """

    entry: KernelValues | None
    core: KernelValues | None
    exit: KernelValues | None


class Decomposition:
    """The spectra of a layer's weights.

    Args:
        kernel: ``(height, width, in, out)``, or ``(in, out)``.
    """

    def __init__(self, kernel: KernelValues) -> None:
        kernel = kernel if kernel.ndim == 4 else kernel[np.newaxis, np.newaxis]  # noqa: PLR2004 - a convolution's axes
        self._kernel = kernel.astype(np.float64)
        self.is_matrix = kernel.shape[:2] == (1, 1)

    @property
    def full(self) -> Ranks:
        """The largest ranks: with these, the factors are as large as the weights."""
        taken, made = self._kernel.shape[2:]
        return (min(taken, made),) if self.is_matrix else (taken, made)

    def sizes(self, ranks: Ranks) -> tuple[int, int, int]:
        """Return the numbers of weights of entry, core and exit at given ranks; 0 for one that is left out."""
        height, width, taken, made = self._kernel.shape
        if self.is_matrix:
            (rank,) = ranks
            return taken * rank, 0, rank * made
        entry, leaving = ranks
        return (
            taken * entry if entry < taken else 0,
            height * width * entry * leaving,
            leaving * made if leaving < made else 0,
        )

    @cached_property
    def spectra(self) -> tuple[Numbers, ...]:
        """Squared singular values for each rank, descending."""
        if self.is_matrix:
            return (np.linalg.svd(self._kernel[0, 0], compute_uv=False) ** 2,)
        return tuple(np.maximum(np.linalg.eigvalsh(self._gram(axis))[::-1], 0) for axis in (2, 3))

    @property
    def unfolded_shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of the matrix that each spectrum belongs to."""
        size = self._kernel.size
        if self.is_matrix:
            return (self._kernel.shape[2:],)
        return tuple((channels, size // channels) for channels in self._kernel.shape[2:])

    def factors(self, ranks: Ranks) -> Factors:
        """Return the factors at given ranks; a product of all of them is near to the weights."""
        if self.is_matrix:
            (rank,) = ranks
            left, values, right = np.linalg.svd(self._kernel[0, 0], full_matrices=False)
            # Both factors have the same norm, so that neither needs another learning rate.
            root = np.sqrt(values[:rank])
            return Factors(_pointwise(left[:, :rank] * root), None, _pointwise(root[:, np.newaxis] * right[:rank]))
        taken, made = (_Mode(rank, full) for rank, full in zip(ranks, self.full, strict=True))
        entry, leaving = taken.leading(self._gram(2)), made.leading(self._gram(3))
        for _ in range(_ALTERNATIONS):
            entry = taken.leading(_gram(self._kernel @ leaving, 2))
            leaving = made.leading(_gram(_entered(self._kernel, entry), 3))
        core = np.einsum("hwro,os->hwrs", _entered(self._kernel, entry), leaving, optimize=True)
        return Factors(
            None if taken.is_full else _pointwise(entry),
            core.astype(np.float32),
            None if made.is_full else _pointwise(leaving.T),
        )

    def _gram(self, axis: int) -> Numbers:
        return _gram(self._kernel, axis)


@dataclass(frozen=True)
class _Mode:
    rank: int
    full: int

    @property
    def is_full(self) -> bool:
        return self.rank >= self.full

    def leading(self, gram: Numbers) -> Numbers:
        """Return the leading eigenvectors, ``(channels, rank)``; the identity at full rank."""
        if self.is_full:
            return np.eye(self.full)
        return np.linalg.eigh(gram)[1][:, : -self.rank - 1 : -1]


def _entered(kernel: Numbers, entry: Numbers) -> Numbers:
    """Return the kernel among fewer input channels, ``(height, width, rank, out)``."""
    return np.moveaxis(np.tensordot(kernel, entry, axes=(2, 0)), 3, 2)


def _gram(kernel: Numbers, axis: int) -> Numbers:
    """Return the products of a kernel's slices along an axis, ``(channels, channels)``."""
    unfolded = np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1)
    return unfolded @ unfolded.T


def _pointwise(matrix: Numbers) -> KernelValues:
    return matrix[np.newaxis, np.newaxis].astype(np.float32)
