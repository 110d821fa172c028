"""Kernels whose blocks of weights are a few shared ones, and kernels whose values a hash assigns to weights.

Only the coded file is smaller for either: the .tflite file stores each weight.

**Blocks.** A block takes the shared block (centroid) that is nearest to its master, by squared distance: product
quantization (Stock et al. 2019, And the Bit Goes Down, arXiv:1907.05686), of which kernel templates are the case of a
whole kernel. As for single values, centroids move by the sum of the gradients of their blocks, and masters by the
gradient itself. Lloyd's algorithm finds the first centroids, from a k-means++ start on some of the blocks.

**Hashed values.** The place of a weight, as the .tflite file stores it, determines its value (HashedNets: Chen et al.
2015, arXiv:1504.04788): `decode.hashes` assigns places to values, so that a file needs only the values. There are no
masters. Each value begins as the mean of its weights, which has the smallest squared error.
"""

import numpy as np
import numpy.typing as npt

from edgepress_common.bundle_files.decode import hashes
from edgepress_worker.compression.blocks import BlockLayout
from edgepress_worker.compression.codebooks import sums_by_centroid
from edgepress_worker.compression.kernels import KernelValues
from edgepress_worker.keras_environment import tf

_BLOCKS_AT_ONCE = 4096  # whose distances from all centroids are in memory: 4 MB with 256 centroids
_SAMPLED = 1 << 15  # blocks that k-means++ starts from
_ITERATIONS = 10  # of Lloyd's algorithm: training moves the centroids further


class BlockCodebook(tf.Module):
    """The shared blocks of one kernel.

    Args:
        layer: Name of the layer; the variables are named after it.
        centroids: ``(clusters, length of a block)``.
        layout: The blocks of the kernel.
    """

    def __init__(self, layer: str, centroids: npt.NDArray[np.float32], layout: BlockLayout) -> None:
        super().__init__()
        self._layout = layout
        self.centroids = tf.Variable(centroids, name=f"{layer}/centroids")
        count = int(np.prod(layout.shape)) // layout.length
        self.assignments = tf.Variable(tf.zeros(count, tf.int32), trainable=False, name=f"{layer}/assignments")

    def look_up(self, masters: tf.Tensor) -> tf.Tensor:
        """Assign each block its nearest centroid, store the assignment, and return the weights."""
        self.assignments.assign(nearest_blocks(self._layout.rows(masters), self.centroids))
        return self._layout.weights(tf.gather(self.centroids, self.assignments))

    def gradient(self, of_weights: tf.Tensor) -> tf.Tensor:
        """Return the gradient of the centroids, given that of the kernel's weights."""
        clusters, length = self.centroids.shape
        index = self.assignments[:, tf.newaxis] * length + tf.range(length)
        total = sums_by_centroid(self._layout.rows(of_weights), index, clusters * length)
        return tf.reshape(total, (clusters, length))


class HashedCodebook(tf.Module):
    """The hashed values of one kernel.

    Args:
        layer: Name of the layer; the variable is named after it.
        centroids: The values, ``(values,)``; their number is a power of two.
        shape: Shape of the kernel in Keras's layout.
    """

    def __init__(self, layer: str, centroids: npt.NDArray[np.float32], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.centroids = tf.Variable(centroids, name=f"{layer}/centroids")
        self._assignments = tf.constant(hashed_places(shape, len(centroids)))

    def look_up(self) -> tf.Tensor:
        """Return the weights."""
        return tf.gather(self.centroids, self._assignments)

    def gradient(self, of_weights: tf.Tensor) -> tf.Tensor:
        """Return the gradient of the centroids, given that of the kernel's weights."""
        return sums_by_centroid(of_weights, self._assignments, self.centroids.shape[0])


@tf.function(autograph=False)
def nearest_blocks(rows: tf.Tensor, centroids: tf.Tensor) -> tf.Tensor:
    """Return the index of the centroid nearest to each block, int32 ``(blocks,)``; of equally near ones the first.

    Args:
        rows: Blocks, ``(blocks, length)``.
        centroids: Centroids, ``(clusters, length)``.
    """
    count, length = rows.shape
    halves = tf.reduce_sum(centroids**2, axis=1) / 2
    chunks = -(-count // _BLOCKS_AT_ONCE)
    padded = tf.pad(rows, [(0, chunks * _BLOCKS_AT_ONCE - count), (0, 0)])

    def nearest(chunk: tf.Tensor) -> tf.Tensor:
        # Half the squared distance, but for the block's own length, which is the same for all centroids.
        return tf.argmin(halves - tf.matmul(chunk, centroids, transpose_b=True), axis=1, output_type=tf.int32)

    if chunks == 1:
        return nearest(rows)
    chunked = tf.reshape(padded, (chunks, _BLOCKS_AT_ONCE, length))
    return tf.reshape(tf.map_fn(nearest, chunked, fn_output_signature=tf.int32), [-1])[:count]


def first_blocks(weights: KernelValues, clusters: int, layout: BlockLayout, seed: int) -> npt.NDArray[np.float32]:
    """Return the centroids of the blocks of a kernel, ``(clusters, length)``.

    Args:
        weights: Weights of the kernel.
        clusters: Number of centroids, fewer than there are blocks.
        layout: The blocks.
        seed: Seed of the k-means++ start.
    """
    rows = layout.rows(tf.constant(weights)).numpy()
    random = np.random.default_rng(seed)
    centroids = _spread_out(rows[random.permutation(len(rows))[:_SAMPLED]], clusters, random)
    for _ in range(_ITERATIONS):
        nearest = nearest_blocks(tf.constant(rows), tf.constant(centroids)).numpy()
        counts = np.bincount(nearest, minlength=clusters)
        sums = np.stack([np.bincount(nearest, column, clusters) for column in rows.T], axis=1)
        means = sums / np.maximum(counts, 1)[:, np.newaxis]
        centroids = np.where(counts[:, np.newaxis] > 0, means, centroids).astype(np.float32)
    return centroids


def _spread_out(rows: npt.NDArray[np.float32], clusters: int, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return rows as far from one another as k-means++ draws them (Arthur and Vassilvitskii 2007)."""
    chosen = [rows[random.integers(len(rows))]]
    distances = np.full(len(rows), np.inf)
    for _ in range(clusters - 1):
        distances = np.minimum(distances, ((rows - chosen[-1]) ** 2).sum(axis=1))
        reach = distances.cumsum()
        # With fewer different blocks than centroids all distances become 0, and the last block is drawn again.
        chosen.append(rows[min(int(np.searchsorted(reach, random.random() * reach[-1], "right")), len(rows) - 1)])
    return np.stack(chosen)


def existing_blocks(weights: KernelValues, clusters: int, layout: BlockLayout) -> npt.NDArray[np.float32]:
    """Return the shared blocks of a clustered kernel, ``(clusters, length)``; padded with the last one."""
    found = np.unique(layout.rows(tf.constant(weights)).numpy(), axis=0)
    return np.pad(found, ((0, clusters - len(found)), (0, 0)), mode="edge")


def hashed_places(shape: tuple[int, ...], values: int) -> npt.NDArray[np.int32]:
    """Return the index of the value of each weight of a kernel, in the shape of the kernel.

    Args:
        shape: Shape in Keras's layout; hashes are those of places in TFLite's, with the output channel first.
        values: Number of values, a power of two.
    """
    stored = (shape[-1], *shape[:-1])
    of_place = hashes(int(np.prod(shape)), values.bit_length() - 1).astype(np.int32)
    return np.moveaxis(of_place.reshape(stored), 0, -1)


def hashed_means(weights: KernelValues, values: int) -> npt.NDArray[np.float32]:
    """Return the mean of the weights of each hashed value, ``(values,)``: the value itself if all are equal."""
    places = hashed_places(weights.shape, values).reshape(-1)
    counts = np.maximum(np.bincount(places, minlength=values), 1)
    return (np.bincount(places, weights.reshape(-1), values) / counts).astype(np.float32)
