"""Kernels whose weights share few values: the values (centroids), and who has which (assignments).

What a training step needs, for a kernel with masters m, centroids c and the gradient g of its weights:

1. Each weight takes the centroid nearest to its master: the centroids are sorted, and its place is the number of
   midpoints between neighbours that it is above. Up to 31 are simply counted, which a processor does for eight weights
   at once; among more, every n-th is counted, and the place in between found by halving, a weight at a time. XLA makes
   one pass over the weights of it, where TFMOT writes all k distances of each weight down.
2. A centroid's gradient is the sum of g over the weights that have it. It is counted in whole numbers, of 2**-30 of
   the largest: they add up to the same whatever thread comes first, which floats do not (a training that is resumed
   must give the same bytes), and exactly.
3. A master's gradient is g: rounding to a centroid is taken for the identity (straight through).

This is TFMOT's clustering with its default, summed gradients (Han et al. 2015, arXiv:1510.00149, section 3), and the
centroids begin where TFMOT's own initializers put them.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from tensorflow_model_optimization.python.core.clustering.keras import cluster_config, clustering_centroids

from edgepress_worker.keras_environment import tf

Initialization = Literal["linear", "random", "density", "kmeans_plus_plus"]

_COUNTED_LEVELS = 5  # halvings that counting does: 31 comparisons, past which they cost more than the halving they save
_COUNTED_BITS = 30  # finer than the 24 of a float32, and room to add up more weights than any network has

INITIALIZATIONS = {
    "linear": cluster_config.CentroidInitialization.LINEAR,
    "random": cluster_config.CentroidInitialization.RANDOM,
    "density": cluster_config.CentroidInitialization.DENSITY_BASED,
    "kmeans_plus_plus": cluster_config.CentroidInitialization.KMEANS_PLUS_PLUS,
}


class Codebook(tf.Module):
    """The shared values of one kernel.

    Args:
        layer: Whose kernel; its variables are named after it, because an optimizer is saved by its variables' names.
        centroids: ``(books, clusters)``: one book for the kernel, or one for each index of its last axis.
        shape: Of the kernel.
        pinned: Bool ``(books, clusters)``: centroids that stay as they are, the zeros of a pruned kernel.
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
        """Assigns each weight its nearest centroid, remembers which, and gives the weights.

        Args:
            masters: Of the kernel's shape.
            values: ``(books, clusters)``, what the weights with each centroid are to be: the centroids, or those
                rounded.
        """
        weights, assignments = _nearest(masters, self.centroids, values)
        self.assignments.assign(assignments)
        return weights

    def gradient(self, of_weights: tf.Tensor) -> tf.Tensor:
        """The centroids' gradient ``(books, clusters)``, given that of the kernel's weights."""
        books, clusters = self.centroids.shape
        index = self.assignments if books == 1 else self.assignments + clusters * tf.range(books)
        counted, unit = _counted(of_weights)
        length = books * clusters
        total = tf.math.bincount(index, weights=counted, minlength=length, maxlength=length, dtype=tf.int64)
        total = tf.reshape(tf.cast(tf.cast(total, tf.float64) * unit, tf.float32), (books, clusters))
        return total if self._free is None else total * self._free


@tf.function(jit_compile=True)
def _counted(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The numbers as int64 multiples of a unit, and the unit, float64. 2**33 of them can be added up."""
    largest = tf.reduce_max(tf.abs(numbers))
    per_unit = tf.where(largest > 0, 2.0**_COUNTED_BITS / largest, 1.0)
    return tf.cast(tf.round(numbers * per_unit), tf.int64), 1 / tf.cast(per_unit, tf.float64)


def _nearest(masters: tf.Tensor, centroids: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """For each weight its value ``(...)``, and which of the centroids it has, int32 ``(...)``."""
    order = tf.argsort(centroids, axis=1)
    place = _places(masters, tf.gather(centroids, order, batch_dims=1))
    return _at_places(place, tf.gather(values, order, batch_dims=1), order)


@tf.function(jit_compile=True)
def _places(masters: tf.Tensor, ascending: tf.Tensor) -> tf.Tensor:
    """For each weight the place of its nearest centroid among the ascending ones, int32 ``(...)``.

    It gives nothing else: XLA would fuse what is looked up at the places into the counting, and count one by one.
    """
    books, clusters = ascending.shape
    midpoints = (ascending[:, 1:] + ascending[:, :-1]) / 2
    halvings = max(0, (clusters - 1).bit_length() - _COUNTED_LEVELS)
    step = 2**halvings
    columns = midpoints[0] if books == 1 else tf.transpose(midpoints)
    place = tf.zeros_like(masters, tf.int32)
    for counted in range(step - 1, clusters - 1, step):
        place += tf.where(masters > columns[counted], step, 0)
    # Filled up with what no weight is above, so that the last halving needs no special case.
    filled = tf.pad(midpoints, [(0, 0), (0, step)], constant_values=np.inf)
    first = 0 if books == 1 else tf.range(books) * (clusters - 1 + step)
    for halving in reversed(range(halvings)):
        above = masters > tf.gather(tf.reshape(filled, [-1]), first + place + (2**halving - 1))
        place += tf.where(above, 2**halving, 0)
    return place


@tf.function(jit_compile=True)
def _at_places(place: tf.Tensor, values: tf.Tensor, order: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What each weight's book has at its place: of the values, and of the centroids' numbers."""
    books, clusters = values.shape
    flat_place = place if books == 1 else tf.range(books) * clusters + place
    return tf.gather(tf.reshape(values, [-1]), flat_place), tf.gather(tf.reshape(order, [-1]), flat_place)


def first_centroids(
    weights: npt.NDArray[np.float32], clusters: int, how: Initialization, *, per_channel: bool, keep_zeros: bool
) -> npt.NDArray[np.float32]:
    """Where TFMOT's clustering would begin.

    Args:
        weights: Of the kernel; its last axis counts output channels.
        clusters: How many values.
        how: To choose them.
        per_channel: Whether for each output channel.
        keep_zeros: Whether one of them is to be zero, and the rest shared out among negative and positive weights.

    Returns:
        ``(books, clusters)``. Fewer values than asked for, where zeros are kept and nothing else is there, are filled
        up with zeros.
    """
    kind = clustering_centroids.CentroidsInitializerFactory.get_centroid_initializer(INITIALIZATIONS[how])
    parts = np.moveaxis(weights, -1, 0) if per_channel else weights[np.newaxis]
    books = [kind(tf.constant(part), clusters, preserve_sparsity=keep_zeros).get_cluster_centroids() for part in parts]
    return np.stack([_filled_up(book.numpy(), clusters) for book in books])


def existing_centroids(
    weights: npt.NDArray[np.float32], clusters: int, *, per_channel: bool
) -> npt.NDArray[np.float32]:
    """The values that a clustered kernel has.

    Returns:
        ``(books, clusters)``; a book with fewer values is filled up with its last one.
    """
    parts = np.moveaxis(weights, -1, 0) if per_channel else weights[np.newaxis]
    return np.stack([_filled_up(np.unique(part), clusters) for part in parts])


def _filled_up(values: npt.NDArray[np.float32], clusters: int) -> npt.NDArray[np.float32]:
    return np.pad(values, (0, clusters - len(values)), mode="edge").astype(np.float32)
