"""Looking weights up in codebooks, and what flows back."""

from __future__ import annotations

import numpy as np
import pytest

from edgepress_worker.compression.codebooks import Codebook, existing_centroids, first_centroids
from edgepress_worker.keras_environment import tf


def normal(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("clusters", [2, 3, 5, 16, 33, 256])
@pytest.mark.parametrize("per_channel", [False, True])
def test_each_weight_gets_the_nearest_value(clusters: int, *, per_channel: bool) -> None:
    """The result equals that of a search through all centroids, in any order."""
    weights = normal(3, 3, 4, 6)
    centroids = normal(6 if per_channel else 1, clusters, seed=2)
    book = Codebook("layer", centroids, weights.shape)
    found = book.look_up(tf.constant(weights), book.centroids).numpy()
    distances = np.abs(weights[..., np.newaxis] - (centroids if per_channel else centroids[0]))
    nearest = distances.argmin(axis=-1)
    rows = centroids if per_channel else np.repeat(centroids, 6, axis=0)
    expected = np.stack([rows[channel][nearest[..., channel]] for channel in range(6)], axis=-1)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(book.assignments.numpy(), nearest)


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_value_moves_by_the_sum_of_its_weights_gradients(*, per_channel: bool) -> None:
    """A pinned value does not move."""
    weights, gradient = normal(3, 3, 4, 6), normal(3, 3, 4, 6, seed=3)
    centroids = normal(6 if per_channel else 1, 5, seed=2)
    pinned = np.zeros(centroids.shape, np.bool_)
    pinned[:, 2] = True
    book = Codebook("layer", centroids, weights.shape, pinned=pinned)
    book.look_up(tf.constant(weights), book.centroids)
    moved = book.gradient(tf.constant(gradient)).numpy()
    assignments = book.assignments.numpy()
    for number in range(len(centroids)):
        mine = (assignments[..., number], gradient[..., number]) if per_channel else (assignments, gradient)
        expected = [mine[1][mine[0] == cluster].sum() for cluster in range(5)]
        expected[2] = 0
        np.testing.assert_allclose(moved[number], expected, rtol=1e-4, atol=1e-5)


def test_the_sums_are_the_same_each_time() -> None:
    """Bit for bit, however many threads add them up: a training that is resumed must give the same weights."""
    shape = (3, 3, 256, 256)
    weights, gradient = tf.constant(normal(*shape)), tf.constant(normal(*shape, seed=3))
    book = Codebook("layer", normal(1, 16, seed=2), shape)
    book.look_up(weights, book.centroids)
    sums = {book.gradient(gradient).numpy().tobytes() for _ in range(20)}
    assert len(sums) == 1


def test_values_may_stand_for_others() -> None:
    """The value of a rounded weight may differ from the nearest one, as for int8."""
    book = Codebook("layer", np.array([[0.0, 1.0]], np.float32), (3,))
    found = book.look_up(tf.constant([0.2, 0.4, 0.9]), tf.constant([[5.0, 7.0]]))
    assert found.numpy().tolist() == [5, 5, 7]


@pytest.mark.parametrize("how", ["linear", "random", "density", "kmeans_plus_plus"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_first_values_lie_among_the_weights(how: str, *, per_channel: bool) -> None:
    """So many of them, between the least and the largest weight."""
    weights = normal(3, 3, 8, 4)
    centroids = first_centroids(weights, 6, how, per_channel=per_channel, keep_zeros=False)  # type: ignore[arg-type]
    assert centroids.shape == (4 if per_channel else 1, 6)
    assert centroids.min() >= weights.min() - 0.011  # TFMOT's density goes a hundredth past the ends
    assert centroids.max() <= weights.max() + 0.011


def test_a_pruned_kernel_has_zero_among_its_first_values() -> None:
    """Once."""
    weights = normal(3, 3, 8, 4) * (normal(3, 3, 8, 4, seed=5) > 0)
    centroids = first_centroids(weights, 6, "kmeans_plus_plus", per_channel=False, keep_zeros=True)
    assert np.count_nonzero(centroids == 0) == 1


def test_existing_values_are_found_again() -> None:
    """A channel with fewer has its last one several times."""
    weights = np.array([[1.0, 3.0], [2.0, 3.0], [1.0, 3.0]], np.float32)
    assert existing_centroids(weights, 3, per_channel=False).tolist() == [[1, 2, 3]]
    assert existing_centroids(weights, 2, per_channel=True).tolist() == [[1, 2], [3, 3]]
