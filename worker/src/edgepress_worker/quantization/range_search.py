"""Chooses the range of a tensor that int8 rounds to 256 values, from a histogram of the tensor.

- ``min_max``: all values. One large value makes the scale, and so the rounding error of all others, large.
- ``percentile``: the given share of the values lies within; the rest is clipped.
- ``mse``: the bounds for which rounding and clipping together have the smallest mean squared error, of 32 lower and 32
  upper bounds at equal distances (Nagel et al. 2021, A White Paper on Neural Network Quantization, arXiv:2106.08295,
  section 3.1).

Zero is always in the range: padding has to be exact.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

RangeRule = Literal["min_max", "percentile", "mse"]

_BINS = 2048  # as many as TensorRT's calibrators use; a bin is an eighth of an int8 scale
_CANDIDATES = 32
_LARGEST_CODE = 255


@dataclass
class Histogram:
    """Counts of a tensor's values.

    Attributes:
        low: Smallest value, at most 0.
        high: Largest value, at least 0.
        counts: Number of values in each of equally wide bins between the two, ``(bins,)``.
    """

    low: float
    high: float
    counts: npt.NDArray[np.int64]

    @classmethod
    def between(cls, low: float, high: float) -> Self:
        """Return an empty histogram for values from ``low`` to ``high``, extended to zero."""
        return cls(min(low, 0.0), max(high, 0.0), np.zeros(_BINS, np.int64))

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """The middle of each bin, ``(bins,)``."""
        edges = np.linspace(self.low, self.high, len(self.counts) + 1)
        return (edges[:-1] + edges[1:]) / 2

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count the values of an array of any shape."""
        self.counts += np.histogram(values, len(self.counts), (self.low, self.high))[0]


def find_range(histogram: Histogram, rule: RangeRule, percentile: float) -> tuple[float, float]:
    """Return the bounds of a tensor's range, the first at most 0 and the second at least 0.

    Args:
        histogram: Values of the tensor.
        rule: See the module.
        percentile: Share of the values within the range for the rule ``percentile``, in percent.
    """
    if rule == "min_max" or histogram.low == histogram.high or not histogram.counts.any():
        return histogram.low, histogram.high
    if rule == "percentile":
        return _percentile(histogram, percentile / 100)
    return _least_error(histogram)


def rounded(
    values: npt.NDArray[np.float64], low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return values as int8 represents them with a range; the arrays are broadcast.

    The range is moved so that zero is a code, as TensorFlow's ``fake_quant_with_min_max_vars`` does.
    """
    scale = (high - low) / _LARGEST_CODE
    zero_point = np.rint(-low / scale)
    return (np.clip(np.rint(values / scale) + zero_point, 0, _LARGEST_CODE) - zero_point) * scale


def _percentile(histogram: Histogram, share: float) -> tuple[float, float]:
    """Return bounds with equal shares of the values beyond each; a bound that is 0 stays 0, with no values beyond."""
    edges = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
    cumulative = np.concatenate([[0.0], np.cumsum(histogram.counts) / histogram.counts.sum()])
    sides = (histogram.low < 0) + (histogram.high > 0)
    beyond = (1 - share) / sides
    low = np.interp(beyond, cumulative, edges) if histogram.low < 0 else 0.0
    high = np.interp(1 - beyond, cumulative, edges) if histogram.high > 0 else 0.0
    return min(float(low), 0.0), max(float(high), 0.0)


def _least_error(histogram: Histogram) -> tuple[float, float]:
    kept = histogram.counts > 0
    counts, values = histogram.counts[kept], histogram.centres[kept]
    shares = np.arange(1, _CANDIDATES + 1) / _CANDIDATES
    lows = histogram.low * shares if histogram.low < 0 else np.zeros(1)
    highs = histogram.high * shares if histogram.high > 0 else np.zeros(1)
    best, least = (histogram.low, histogram.high), np.inf
    for low in lows:
        errors = ((rounded(values, low, highs[:, np.newaxis]) - values) ** 2 * counts).sum(axis=1)
        place = int(errors.argmin())
        if errors[place] < least:
            best, least = (float(low), float(highs[place])), errors[place]
    return best
