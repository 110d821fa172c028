"""The k-means++ start of many centroids for large kernels, with the values that TensorFlow's own operator returns.

1. Of 3 + floor(ln(clusters)) weights, drawn in proportion to their distance from the nearest centroid, the one that
   lowers the sum of these distances most becomes the next centroid (Arthur and Vassilvitskii 2007, k-means++, section
   7.1, "greedy"). The first is drawn uniformly.
2. TFMOT calls TensorFlow's operator ``KmeansPlusPlusInitialization`` for this, which adds the distances of all weights
   for each draw. Here, the weights are sorted as well: a new centroid is the nearest one for the weights between two
   positions, and sums of weights and of their squares up to each position give the sum of the distances with it.
3. The operator's sums are rounded to float32, which decides between draws that differ little. Only for such draws the
   distances are added as the operator adds them: 16 partial sums of every 16th distance, then 8, 4 and 2 of them, as
   Eigen does with registers of 8 floats.
"""

import bisect
import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import tf

_SEED = 9  # that of TFMOT's KmeansPlusPlusCentroidsInitialisation
_LANES = 16  # partial sums
_ROWS = 1 << 11  # rows of lanes that are added at once: a quarter of a megabyte
_DRAWN_AT_ONCE = 4096  # random numbers
_PHILOX = 1  # TensorFlow's number of the generator
_PER_COUNT = 4  # random numbers of 32 bits for each value of Philox's counter
_MANTISSA_BITS = 23
_ROUNDING = 2.0**-24  # of a float32, relative
# Draws whose sums differ by less are compared by the operator's sums. In standard deviations.
_DEVIATIONS = 16
_TINY = 1e-30

_Floats = npt.NDArray[np.float32]
_Doubles = npt.NDArray[np.float64]


def kmeans_plus_plus(weights: _Floats, clusters: int) -> _Floats:
    """Return initial centroids.

    Args:
        weights: The weights ``(count,)``, at least as many as clusters, with at least as many different values.
        clusters: Number of centroids, 1 or more.

    Returns:
        ``(clusters,)``, in the order in which they were chosen.
    """
    weights = np.ascontiguousarray(weights, np.float32)
    random, tries = _random_integers(), 3 + int(math.log(clusters))
    distances = _Distances(weights)
    chosen: list[int] = []
    draw = _uniform(len(weights), random)
    while len(chosen) < clusters:
        drawn = [draw() for _ in range(tries)]
        chosen.append(drawn[distances.best(weights[drawn])])
        distances.add(weights[chosen[-1]])
        draw = _weighted(distances.sums, random, set(chosen))
    return weights[chosen]


class _Distances:
    """Half of the squared distance of each weight from its nearest centroid; infinite before the first centroid.

    Args:
        weights: The weights ``(count,)``.

    Attributes:
        sums: The distance of each weight plus that of all weights before it ``(count,)``, rounded as by the operator.
    """

    def __init__(self, weights: _Floats) -> None:
        self._weights = weights
        self._squares = np.float32(0.5) * (weights * weights)
        self._nearest = np.full(len(weights), np.inf, np.float32)
        self.sums = np.full(len(weights), np.inf, np.float32)
        self._order = np.argsort(weights, kind="stable")
        self._sorted: _Doubles = weights[self._order].astype(np.float64)
        self._sums: _Doubles = np.concatenate(([0.0], np.cumsum(self._sorted)))
        self._sums_of_squares: _Doubles = np.concatenate(([0.0], np.cumsum(self._sorted * self._sorted)))
        self._largest_square = max(float(self._sorted[0] ** 2), float(self._sorted[-1] ** 2))
        self._centroids: list[float] = []

    def add(self, centroid: np.float32) -> None:
        """Add a centroid."""
        lower, upper = self._neighbours(float(centroid))
        start, end = self._middle(lower, float(centroid), side=-1), self._middle(float(centroid), upper, side=1)
        some = self._order[start:end]
        added = _distances(self._weights[some], self._squares[some], centroid)
        self._nearest[some] = np.minimum(self._nearest[some], added)
        bisect.insort(self._centroids, float(centroid))
        np.cumsum(self._nearest, out=self.sums)

    def best(self, centroids: _Floats) -> int:
        """Return the position of the centroid with which the sum of all distances is smallest; the first of equals."""
        sums = np.array([self._sum_with(float(centroid)) for centroid in centroids])
        close = np.flatnonzero(sums <= sums.min() + _DEVIATIONS * self._rounding())
        values = set(centroids[close].tolist())
        if len(values) > 1:
            rounded = {value: self._rounded_sum_with(np.float32(value)) for value in values}
            return int(min(close, key=lambda each: rounded[float(centroids[each])]))
        return int(close[0])

    def _sum_with(self, centroid: float) -> float:
        """Return the sum of all distances with a further centroid, less that without it; the sum if it is the first."""
        lower, upper = self._neighbours(centroid)
        start, end = self._middle(lower, centroid), self._middle(centroid, upper)
        with_it = self._cost(start, end, centroid)
        if not self._centroids:
            return with_it
        between = self._middle(lower, upper)
        return with_it - self._cost(start, between, lower) - self._cost(between, end, upper)

    def _rounded_sum_with(self, centroid: np.float32) -> np.float32:
        """Return the operator's sum of all distances with a further centroid."""
        rows = len(self._weights) // _LANES
        sums = np.zeros(_LANES, np.float32)
        for first in range(0, rows, _ROWS):
            some = slice(first * _LANES, min(first + _ROWS, rows) * _LANES)
            # numpy adds row to row: the sum of all before is the first.
            sums = np.concatenate((sums, self._nearest_with(centroid, some))).reshape(-1, _LANES).sum(axis=0)
        rest = self._nearest_with(centroid, slice(rows * _LANES, None))
        sums = sums[:8] + sums[8:]
        if len(rest) >= len(sums):
            sums, rest = sums + rest[:8], rest[8:]
        while len(sums) > 1:
            half = len(sums) // 2
            sums = sums[:half] + sums[half:]
        for each in rest:
            sums = sums + each
        return np.float32(sums[0])

    def _nearest_with(self, centroid: np.float32, some: slice) -> _Floats:
        return np.minimum(self._nearest[some], _distances(self._weights[some], self._squares[some], centroid))

    def _rounding(self) -> float:
        """Return about the standard deviation of the operator's sums.

        Each addition rounds one of the partial sums, and each distance is rounded as the squares that it is the
        difference of; the latter in the same way for many weights of a centroid.
        """
        centroids = len(self._centroids)
        total = float(self.sums[-1] if centroids else self._sums_of_squares[-1])
        of_squares = float(self._sums_of_squares[-1]) / (centroids + 1)
        return _ROUNDING * (math.sqrt(len(self._weights) / _LANES) * total + of_squares)

    def _cost(self, start: int, end: int, centroid: float) -> float:
        """Return the sum of the distances of some of the sorted weights from a centroid."""
        if start == end:
            return 0.0
        of_squares = float(self._sums_of_squares[end] - self._sums_of_squares[start])
        product = centroid * float(self._sums[end] - self._sums[start])
        return 0.5 * (of_squares + (end - start) * centroid * centroid) - product

    def _neighbours(self, centroid: float) -> tuple[float, float]:
        """Return the next lower or equal centroid and the next higher one; infinite if there is none."""
        place = bisect.bisect_right(self._centroids, centroid)
        lower = self._centroids[place - 1] if place else -math.inf
        return lower, self._centroids[place] if place < len(self._centroids) else math.inf

    def _middle(self, lower: float, upper: float, side: int = 0) -> int:
        """Return the first position of sorted weights that are nearer to the upper of two centroids.

        Args:
            lower: Lower centroid; may be -inf.
            upper: Upper centroid; may be inf.
            side: -1 or 1: as far below or above that rounding does not change beyond it which of the two is nearer.
        """
        # A distance is off by at most four roundings of the largest square.
        unsure = 8 * _ROUNDING * self._largest_square / max(upper - lower, _TINY)
        return int(np.searchsorted(self._sorted, (lower + upper) / 2 + side * unsure))


def _distances(weights: _Floats, squares: _Floats, centroid: np.float32) -> _Floats:
    """Return half of the squared distances, rounded as the operator does: after the product, and after each sum."""
    found: _Floats = (squares - weights * centroid) + np.float32(0.5) * (centroid * centroid)
    return found


def _random_integers() -> Iterator[int]:
    """Yield the integers of 32 bits that the operator draws."""
    for part in itertools.count():
        yield from (
            tf.raw_ops.StatelessRandomUniformFullIntV2(
                shape=[_DRAWN_AT_ONCE],
                key=tf.constant([_SEED], tf.uint64),
                counter=tf.constant([part * _DRAWN_AT_ONCE // _PER_COUNT, 0], tf.uint64),
                alg=_PHILOX,
                dtype=tf.uint32,
            )
            .numpy()
            .tolist()
        )


def _uniform(count: int, random: Iterator[int]) -> Callable[[], int]:
    """Return a function that draws a position below ``count``, without the numbers that would favour some of them."""
    is_power_of_two = count & (count - 1) == 0
    rejected = 0 if is_power_of_two else (2**64 - 1) % count + 1

    def draw() -> int:
        while True:
            number = next(random) | next(random) << 32
            if number >= rejected:
                return number % count

    return draw


def _weighted(sums: _Floats, random: Iterator[int], chosen: set[int]) -> Callable[[], int]:
    """Return a function that draws a position that is not chosen yet, by the sums up to each position."""
    uniform = _uniform(len(sums), random)

    def draw() -> int:
        while True:
            if sums[-1] > 0:
                share = np.float32((next(random) & (2**_MANTISSA_BITS - 1)) * 2.0**-_MANTISSA_BITS)
                position = min(_first_above(sums, share * sums[-1]), len(sums) - 1)
            else:
                position = uniform()
            if position not in chosen:
                return position

    return draw


def _first_above(sums: _Floats, limit: np.float32) -> int:
    """Return the position that ``std::upper_bound`` returns; rounded sums may also fall, so that others exist."""
    first, length = 0, len(sums)
    while length > 0:
        half = length // 2
        if limit < sums[first + half]:
            length = half
        else:
            first, length = first + half + 1, length - half - 1
    return first
