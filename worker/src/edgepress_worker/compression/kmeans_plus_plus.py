"""The k-means++ start of many centroids for large kernels, with the values that TensorFlow's own operator returns.

1. Of 3 + floor(ln(clusters)) weights, drawn in proportion to their distance from the nearest centroid, the one that
   lowers the sum of these distances most becomes the next centroid (Arthur and Vassilvitskii 2007, k-means++, section
   7.1, "greedy"). The first is drawn uniformly.
2. TFMOT calls TensorFlow's operator ``KmeansPlusPlusInitialization`` for this, which makes four passes over the memory
   for each draw, on one thread. Here, all draws for one centroid share one pass, compiled by XLA.
3. The sums decide between draws that differ little. They are therefore rounded like the operator's: it adds 16 partial
   sums of every 16th distance, then 8, 4 and 2 of them, as Eigen does with registers of 8 floats.
"""

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import tf

_SEED = 9  # that of TFMOT's KmeansPlusPlusCentroidsInitialisation
_LANES = 16  # partial sums
_ROWS = 16  # rows of lanes in one pass of the compiled loop; more rows need more registers than a processor has
_BLOCK = _LANES * _ROWS
_DRAWN_AT_ONCE = 4096  # random numbers
_PHILOX = 1  # TensorFlow's number of the generator
_PER_COUNT = 4  # random numbers of 32 bits for each value of Philox's counter
_MANTISSA_BITS = 23
_LARGEST = 3.4e38  # see `_distances`

_Floats = npt.NDArray[np.float32]


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
    chosen: list[int] = []
    with tf.device("CPU"):  # a GPU would start the loop's body again and again
        distances = _Distances(weights)
        draw = _uniform(len(weights), random)
        while len(chosen) < clusters:
            drawn = [draw() for _ in range(tries)]
            chosen.append(drawn[int(np.argmin(distances.sums_with(weights[drawn])))])
            distances.add(weights[chosen[-1]])
            draw = _weighted(distances.sums_up_to_each(), random, set(chosen))
    return weights[chosen]


class _Distances:
    """Half of the squared distance of each weight from its nearest centroid; infinite before the first centroid.

    Args:
        weights: The weights ``(count,)``.
    """

    def __init__(self, weights: _Floats) -> None:
        self._count = len(weights)
        padded = np.pad(weights, (0, _rounded_up(self._count) - self._count))
        self._weights = tf.constant(padded)
        self._squares = tf.constant(np.float32(0.5) * (padded * padded))
        self._nearest = tf.fill(padded.shape, np.float32(np.inf))

    def add(self, centroid: np.float32) -> None:
        """Add a centroid."""
        self._nearest = _updated(self._weights, self._squares, self._nearest, tf.constant(centroid))

    def sums_up_to_each(self) -> _Floats:
        """Return the distance of each weight plus that of all weights before it ``(count,)``."""
        sums: _Floats = tf.cumsum(self._nearest).numpy()
        return sums[: self._count]

    def sums_with(self, centroids: _Floats) -> _Floats:
        """Return the sum of all distances with each of some centroids added ``(centroids,)``."""
        whole = self._count // _BLOCK
        lanes = _lanes(self._weights, self._squares, self._nearest, tf.constant(centroids), tf.constant(whole)).numpy()
        rest = self._of_the_rest(whole * _BLOCK, centroids)
        rows = rest.shape[1] // _LANES * _LANES
        for row in range(0, rows, _LANES):
            lanes = lanes + rest[:, row : row + _LANES]
        sums, rest = lanes[:, :8] + lanes[:, 8:], rest[:, rows:]
        if rest.shape[1] >= sums.shape[1]:
            sums, rest = sums + rest[:, :8], rest[:, 8:]
        while sums.shape[1] > 1:
            half = sums.shape[1] // 2
            sums = sums[:, :half] + sums[:, half:]
        for column in rest.T:
            sums = sums + column[:, None]
        return sums[:, 0]

    def _of_the_rest(self, start: int, centroids: _Floats) -> _Floats:
        """Return the distances of the weights from a position on, with each centroid added."""
        parts = (each.numpy()[start : self._count] for each in (self._weights, self._squares, self._nearest))
        weights, squares, nearest = parts
        added = (squares - weights * centroids[:, None]) + (np.float32(0.5) * (centroids * centroids))[:, None]
        found: _Floats = np.minimum(nearest, added)
        return found


def _rounded_up(count: int) -> int:
    """Return a larger multiple of a block with four significant bits: XLA compiles for each size."""
    blocks = -(-count // _BLOCK)
    unit = 2 ** max(0, blocks.bit_length() - 4)
    return -(-blocks // unit) * unit * _BLOCK


def _distances(weights: tf.Tensor, squares: tf.Tensor, centroids: tf.Tensor) -> tf.Tensor:
    """Return half of the squared distances, rounded as the operator does: after the product, and after each sum.

    The limit, larger than any product, keeps XLA from computing product and difference as one, without rounding.
    """
    product = tf.minimum(weights * centroids, _LARGEST)
    return (squares - product) + 0.5 * (centroids * centroids)


@tf.function(jit_compile=True)
def _updated(weights: tf.Tensor, squares: tf.Tensor, nearest: tf.Tensor, centroid: tf.Tensor) -> tf.Tensor:
    return tf.minimum(nearest, _distances(weights, squares, centroid))


@tf.function(jit_compile=True)
def _lanes(
    weights: tf.Tensor, squares: tf.Tensor, nearest: tf.Tensor, centroids: tf.Tensor, blocks: tf.Tensor
) -> tf.Tensor:
    """Return the sums of every 16th distance with each centroid added, ``(centroids, 16)``."""
    parts = [tf.reshape(each, (-1, _ROWS, 1, _LANES)) for each in (weights, squares, nearest)]
    column = centroids[:, None]

    def add_block(block: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        weights, squares, nearest = (part[block] for part in parts)
        for row in range(_ROWS):
            sums += tf.minimum(nearest[row], _distances(weights[row], squares[row], column))
        return block + 1, sums

    start = (tf.constant(0), tf.zeros((centroids.shape[0], _LANES)))
    return tf.while_loop(lambda block, _: block < blocks, add_block, start)[1]


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
