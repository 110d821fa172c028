"""Classes of the codes of a tensor: codes with similar magnitudes have a table of frequencies of their own.

Weights of some output channels, places of a kernel and input channels are larger than others, and after pruning fewer
of them are 0. The level of a code is the sum of three levels: of its output channel, of its place and of its input
channel, each the logarithm of a mean magnitude. Codes are divided into classes by their level, in about equal shares.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_PER_OCTAVE = 8  # levels
_MIDDLE, _MOST_LEVEL = 42, 85  # of a level of an axis, so that the sum of three is a byte


@dataclass(frozen=True)
class Classes:
    """The classes of a tensor.

    Attributes:
        levels: Level of each index of the three axes.
        bounds: Lowest level of each class but the first, ascending.
        of_element: Class of each element, ``(n,)``.
    """

    levels: tuple[Bytes, ...]
    bounds: Bytes
    of_element: Bytes

    @property
    def count(self) -> int:
        """Number of classes."""
        return len(self.bounds) + 1


def find_classes(codes: npt.NDArray[np.int8], count: int) -> Classes:
    """Return classes of a tensor.

    Args:
        codes: The codes, of three axes.
        count: Number of classes; there are fewer where many codes have the same level.
    """
    magnitudes = np.abs(codes.astype(np.int16))
    whole = max(float(magnitudes.mean()), 1e-9)
    levels = tuple(
        _levels(magnitudes.mean(axis=tuple(other for other in range(3) if other != axis)) / whole) for axis in range(3)
    )
    outer, middle, inner = levels
    level = ((outer[:, np.newaxis] + middle)[..., np.newaxis] + inner).reshape(-1)
    shares = np.bincount(level, minlength=256).cumsum() / level.size
    starts = np.searchsorted(shares, np.arange(1, count) / count) + 1
    known = np.unique(level)
    starts = np.searchsorted(known, starts)  # the next level that occurs
    bounds = known[np.unique(starts[(starts > 0) & (starts < len(known))])].astype(np.uint8)
    class_of_level = np.searchsorted(bounds, np.arange(256), side="right").astype(np.uint8)
    return Classes(levels, bounds, class_of_level.take(level))


def _levels(ratios: npt.NDArray[np.float64]) -> Bytes:
    exact = _MIDDLE + _PER_OCTAVE * np.log2(np.maximum(ratios, 1e-9))
    return np.clip(np.rint(exact), 0, _MOST_LEVEL).astype(np.uint8)
