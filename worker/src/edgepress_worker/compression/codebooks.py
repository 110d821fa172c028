"""Kernels whose weights share a few values: the values (centroids), and the assignment of weights to values.

A training step for a kernel with masters m, centroids c and the gradient g of its weights:

1. Each weight takes the centroid nearest to its master. The centroids are sorted, and the position of the nearest is
   the number of midpoints between neighbours that are below the master. Few midpoints are counted directly, which a
   processor does for eight weights at once. For many midpoints, every n-th is counted, and the position in between is
   found by bisection per weight. Either way, XLA makes one pass over the weights, whereas TFMOT stores all k distances
   of each weight.
2. The gradient of a centroid is the sum of g over its weights. It is computed in integers, in units of 2**-30 of the
   largest. Integer sums are exact and do not depend on the order of the threads, unlike float sums; a resumed training
   must produce the same bytes.
3. The gradient of a master is g: rounding to a centroid is treated as the identity (straight-through estimator).

This is TFMOT's clustering with its default, summed gradients (Han et al. 2015, arXiv:1510.00149, section 3). TFMOT's
own initializers provide the initial centroids, except that `kmeans_plus_plus` computes the same values in less time.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from tensorflow_model_optimization.python.core.clustering.keras import clustering_centroids

from edgepress_worker.compression.kmeans_plus_plus import kmeans_plus_plus
from edgepress_worker.keras_environment import tf

Initialization = Literal["linear", "random", "density", "kmeans_plus_plus"]

_COUNTED_ALONE = 32  # number of centroids up to which counting alone is the fastest
_COUNTED_LEVELS = 4  # bisection levels that counting replaces above that; with 5, 256 centroids take twice as long
_COUNTED_BITS = 30  # finer than the 24 bits of a float32, without overflow for the weights of any network


class _KmeansPlusPlus(clustering_centroids.KmeansPlusPlusCentroidsInitialisation):
    """TFMOT's initializer, with the same values in less time."""

    def _calculate_centroids_for_interval(self, weights: tf.Tensor, clusters: int | tf.Tensor) -> tf.Tensor:
        if not 1 <= int(clusters) <= int(tf.size(weights)):
            return super()._calculate_centroids_for_interval(weights, clusters)
        return tf.constant(kmeans_plus_plus(np.ravel(weights), int(clusters)))


_INITIALIZERS = {
    "linear": clustering_centroids.LinearCentroidsInitialisation,
    "random": clustering_centroids.RandomCentroidsInitialisation,
    "density": clustering_centroids.DensityBasedCentroidsInitialisation,
    "kmeans_plus_plus": _KmeansPlusPlus,
}


class Codebook(tf.Module):
    """The shared values of one kernel.

    Args:
        layer: Name of the layer; the variables are named after it, because optimizers are saved by variable names.
        centroids: ``(books, clusters)``: one book for the kernel, or one for each index of its last axis.
        shape: Shape of the kernel.
        pinned: Bool ``(books, clusters)``: centroids that do not change, such as the zeros of a pruned kernel.
    """

    def __init__(
        self,
        layer: str,
        centroids: npt.NDArray[np.float32],
        shape: tuple[int, ...],
        *,
        pinned: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        super().__init__()
        self.centroids = tf.Variable(centroids, name=f"{layer}/centroids")
        self.assignments = tf.Variable(tf.zeros(shape, tf.int32), trainable=False, name=f"{layer}/assignments")
        self._free = None if pinned is None else tf.constant(~pinned, tf.float32)

    def look_up(self, masters: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """Assign each weight its nearest centroid, store the assignment, and return the weights.

        Args:
            masters: The masters, in the shape of the kernel.
            values: ``(books, clusters)``, the value for each centroid: the centroid itself, or its rounded value.
        """
        weights, assignments = _nearest(masters, self.centroids, values)
        self.assignments.assign(assignments)
        return weights

    def gradient(self, of_weights: tf.Tensor) -> tf.Tensor:
        """Return the gradient of the centroids ``(books, clusters)``, given that of the kernel's weights."""
        books, clusters = self.centroids.shape
        index = self.assignments if books == 1 else self.assignments + clusters * tf.range(books)
        total = tf.reshape(sums_by_centroid(of_weights, index, books * clusters), (books, clusters))
        return total if self._free is None else total * self._free


def sums_by_centroid(of_weights: tf.Tensor, index: tf.Tensor, length: int) -> tf.Tensor:
    """Return the sum of the gradients of each centroid's weights, ``(length,)``: exact, in any order of threads.

    Args:
        of_weights: Gradients of weights.
        index: Centroid of each weight, int32 in the same shape.
        length: Number of centroids.
    """
    counted, unit = _counted(of_weights)
    total = tf.math.bincount(index, weights=counted, minlength=length, maxlength=length, dtype=tf.int64)
    return tf.cast(tf.cast(total, tf.float64) * unit, tf.float32)


@tf.function(jit_compile=True)
def _counted(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the numbers as int64 multiples of a unit, and the unit as float64. Up to 2**33 of them can be summed."""
    largest = tf.reduce_max(tf.abs(numbers))
    per_unit = tf.where(largest > 0, 2.0**_COUNTED_BITS / largest, 1.0)
    return tf.cast(tf.round(numbers * per_unit), tf.int64), 1 / tf.cast(per_unit, tf.float64)


def _nearest(masters: tf.Tensor, centroids: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return, for each weight, its value ``(...)`` and the index of its centroid, int32 ``(...)``."""
    order = tf.argsort(centroids, axis=1)
    place = _places(masters, tf.gather(centroids, order, batch_dims=1))
    return _at_places(place, tf.gather(values, order, batch_dims=1), order)


@tf.function(jit_compile=True)
def _places(masters: tf.Tensor, ascending: tf.Tensor) -> tf.Tensor:
    """Return, for each weight, the position of the nearest of the ascending centroids, int32 ``(...)``.

    The function returns nothing else: XLA would fuse a lookup by position into the counting, and count one by one.
    """
    books, clusters = ascending.shape
    midpoints = (ascending[:, 1:] + ascending[:, :-1]) / 2
    halvings = 0 if clusters <= _COUNTED_ALONE else (clusters - 1).bit_length() - _COUNTED_LEVELS
    step = 2**halvings
    columns = midpoints[0] if books == 1 else tf.transpose(midpoints)
    place = tf.zeros_like(masters, tf.int32)
    for counted in range(step - 1, clusters - 1, step):
        place += tf.where(masters > columns[counted], step, 0)
    # Padded with infinity, so that the last bisection needs no special case.
    filled = tf.pad(midpoints, [(0, 0), (0, step)], constant_values=np.inf)
    first = 0 if books == 1 else tf.range(books) * (clusters - 1 + step)
    for halving in reversed(range(halvings)):
        above = masters > tf.gather(tf.reshape(filled, [-1]), first + place + (2**halving - 1))
        place += tf.where(above, 2**halving, 0)
    return place


@tf.function(jit_compile=True)
def _at_places(place: tf.Tensor, values: tf.Tensor, order: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return, for each weight, the value at its position in its book, and the index of that centroid."""
    books, clusters = values.shape
    flat_place = place if books == 1 else tf.range(books) * clusters + place
    return tf.gather(tf.reshape(values, [-1]), flat_place), tf.gather(tf.reshape(order, [-1]), flat_place)


def first_centroids(
    weights: npt.NDArray[np.float32], clusters: int, how: Initialization, *, per_channel: bool, keep_zeros: bool
) -> npt.NDArray[np.float32]:
    """Return the centroids that TFMOT's clustering would start with.

    Args:
        weights: Weights of the kernel; the last axis is the output channels.
        clusters: Number of values.
        how: Method of initialization.
        per_channel: Whether each output channel has its own values.
        keep_zeros: Whether one value is zero, with the others distributed among negative and positive weights.

    Returns:
        ``(books, clusters)``. If zeros are kept and the initializer returns fewer values, the rest are zeros.
    """
    kind = _INITIALIZERS[how]
    parts = np.moveaxis(weights, -1, 0) if per_channel else weights[np.newaxis]
    books = [kind(tf.constant(part), clusters, preserve_sparsity=keep_zeros).get_cluster_centroids() for part in parts]
    return np.stack([_filled_up(book.numpy(), clusters) for book in books])


def existing_centroids(
    weights: npt.NDArray[np.float32], clusters: int, *, per_channel: bool
) -> npt.NDArray[np.float32]:
    """Return the values of a clustered kernel.

    Returns:
        ``(books, clusters)``; a book with fewer values is padded with its last one.
    """
    parts = np.moveaxis(weights, -1, 0) if per_channel else weights[np.newaxis]
    return np.stack([_filled_up(np.unique(part), clusters) for part in parts])


def _filled_up(values: npt.NDArray[np.float32], clusters: int) -> npt.NDArray[np.float32]:
    return np.pad(values, (0, clusters - len(values)), mode="edge").astype(np.float32)
