"""The k-means++ start, compared bit for bit with TensorFlow's own operator."""

from __future__ import annotations

import numpy as np
import pytest
from tensorflow.python.ops.clustering_ops import gen_clustering_ops

from edgepress_worker.compression.codebooks import first_centroids
from edgepress_worker.compression.kmeans_plus_plus import kmeans_plus_plus


def normal(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.05, size=count).astype(np.float32)


def of_the_operator(weights: np.ndarray, clusters: int) -> np.ndarray:
    """The centroids that TFMOT starts with: its seed, and the default number of tries."""
    found = gen_clustering_ops.kmeans_plus_plus_initialization(weights.reshape(-1, 1), clusters, 9, -1)
    return np.ravel(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "clusters"),
    [(7, 3), (8, 4), (20, 4), (1000, 1), (1003, 16), (1015, 33), (4096, 2), (2**14, 64), (30_011, 256)],
)
def test_all_values_and_their_order_are_the_operators(count: int, clusters: int) -> None:
    """For counts with each kind of rest: of a block, of 16 partial sums, and of a register."""
    weights = normal(count, seed=count)
    np.testing.assert_array_equal(kmeans_plus_plus(weights, clusters), of_the_operator(weights, clusters))


def test_equal_weights_do_not_matter() -> None:
    """A pruned or rounded kernel has few different values, whose distances are often exactly zero."""
    weights = np.round(normal(5000), 2)
    weights[::2] = 0
    np.testing.assert_array_equal(kmeans_plus_plus(weights, 12), of_the_operator(weights, 12))


def test_more_clusters_than_values_repeat_values() -> None:
    """Every value is among them, although no distance is left to draw the others by."""
    found = kmeans_plus_plus(np.repeat(np.array([1, 2, 3], np.float32), 100), 5)
    assert set(found) == {1, 2, 3}
    assert len(found) == 5


@pytest.mark.slow
@pytest.mark.parametrize("keep_zeros", [False, True])
def test_a_large_kernel_starts_as_tfmot_starts_it(*, keep_zeros: bool) -> None:
    """With zeros kept, negative and positive weights each have their share of the values."""
    weights = normal(250_003)
    if keep_zeros:
        weights[::5] = 0
    found = first_centroids(weights, 32, "kmeans_plus_plus", per_channel=False, keep_zeros=keep_zeros)[0]
    if not keep_zeros:
        expected = of_the_operator(weights, 32)
    else:
        negative, positive = weights[weights < 0], weights[weights > 0]
        count = int(np.round(31 * len(negative) / (len(negative) + len(positive))))
        parts = of_the_operator(negative, count), np.zeros(1, np.float32), of_the_operator(positive, 31 - count)
        expected = np.concatenate(parts)
    np.testing.assert_array_equal(found, expected)
