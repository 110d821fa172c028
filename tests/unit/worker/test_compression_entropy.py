"""The rate term: estimate and gradient against independent computations, and what it does to a layer."""

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_worker.coded.sequences import smallest
from edgepress_worker.compression.codebooks import Codebook
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.entropy import entropy_bits, entropy_slopes, places_among, soft_histogram
from edgepress_worker.compression.grids import CODES, LARGEST_CODE, Bits
from edgepress_worker.compression.kernels import Kernel
from edgepress_worker.compression.learned_grids import LearnedGrid
from edgepress_worker.keras_environment import keras, tf


def laplace(*shape: int, seed: int = 1) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).laplace(0, 0.1, shape).astype(np.float32)


def entropy(places: npt.NDArray[np.float64], codes: int) -> float:
    """Return the bits of all weights, from the definition: each pair of a weight and a code."""
    shares = np.maximum(0, 1 - np.abs(places.reshape(-1, 1) - np.arange(codes))).mean(axis=0)
    return float(-places.size * (shares[shares > 0] * np.log2(shares[shares > 0])).sum())


def test_the_estimate_is_that_of_the_definition() -> None:
    """Places at the ends and exactly at codes included; of whole codes it is the entropy that coders approach."""
    places = np.random.default_rng(2).uniform(0, 6, 500)
    places[:5] = [0, 6, 3, 3, 2]
    found = entropy_bits(soft_histogram(tf.constant(places, tf.float32), 7))
    assert float(found) == pytest.approx(entropy(places, 7), rel=1e-5)
    whole = np.rint(places)
    counts = np.bincount(whole.astype(int), minlength=7)
    exact = -(counts * np.log2(counts / 500)).sum()
    assert float(entropy_bits(soft_histogram(tf.constant(whole, tf.float32), 7))) == pytest.approx(exact, rel=1e-6)


def test_the_gradient_is_the_slope_of_the_definition() -> None:
    """Compare with differences of the definition, weight by weight; a weight at a code has none."""
    places = np.random.default_rng(3).uniform(0.05, 5.95, 60)
    places = np.where(np.abs(places - np.rint(places)) < 0.02, 2.5, places)
    places[0] = 3.0
    tensor = tf.constant(places, tf.float32)
    found = entropy_slopes(tensor, soft_histogram(tensor, 7)).numpy()
    assert found[0] == 0
    for at in range(1, 60):
        up, down = places.copy(), places.copy()
        up[at] += 1e-4
        down[at] -= 1e-4
        assert found[at] == pytest.approx((entropy(up, 7) - entropy(down, 7)) / 2e-4, rel=2e-3, abs=2e-3)


def test_places_among_values_are_linear_between_them() -> None:
    """In any order of the values; beyond the ends they do not move."""
    masters = tf.constant([[-2.0, -1.0, -0.25], [0.5, 1.5, 9.0]])
    places, slopes = places_among(masters, tf.constant([0.0, 3.0, -1.0, 1.0]))
    np.testing.assert_allclose(places.numpy(), np.array([[0, 0, 0.75], [1.5, 2.25, 3]]))
    np.testing.assert_allclose(slopes.numpy(), np.array([[0, 0, 1], [1, 0.5, 0]]))


def test_places_among_many_values_are_those_among_few() -> None:
    """A search and a sum over gaps find the same places, equal values included."""
    values = np.sort(laplace(20, seed=5))
    values[4] = values[3]
    masters = tf.constant(laplace(500, seed=6))
    beyond = np.concatenate([values, np.arange(20) + 10.0]).astype(np.float32)
    for few, many in zip(
        places_among(masters, tf.constant(values)), places_among(masters, tf.constant(beyond)), strict=True
    ):
        inside = masters.numpy() < values[-1]
        np.testing.assert_allclose(few.numpy()[inside], many.numpy()[inside], rtol=1e-4, atol=1e-4)


def rated(kind: str, kernel: Kernel, rate: float) -> CompressedKernel:
    """A kernel of each kind that has a rate."""
    weights = kernel.variable.numpy()
    if kind == "codebook":
        centroids = np.quantile(weights, np.linspace(0.02, 0.98, 16)).astype(np.float32)[np.newaxis]
        return CompressedKernel(kernel, codebook=Codebook("layer", centroids, weights.shape), rate=rate)
    if kind == "learned":
        largest = np.abs(weights).max(axis=(0, 1, 2), keepdims=True)
        return CompressedKernel(kernel, grid=LearnedGrid(kernel, largest / 6.3, CODES[4]), rate=rate)
    return CompressedKernel(kernel, grid="channel", rate=rate)


@pytest.mark.parametrize("kind", ["codebook", "learned", "range"])
def test_a_kernel_has_the_rate_of_its_codes(kind: str) -> None:
    """The gradient of masters and learned scales is that of the bits, by differences along a direction."""
    kernel = Kernel("layer", "conv2d", tf.Variable(laplace(3, 3, 16, 8)))
    compressed = rated(kind, kernel, 1.0)
    compressed.project()
    before = compressed.master.numpy()
    moved, *others = compressed.gradients(tf.zeros_like(kernel.variable))
    # The scale of the grid by range follows the largest weights, which therefore do not move.
    is_free = np.abs(before) < np.abs(before).max(axis=(0, 1, 2), keepdims=True)
    direction = np.sign(moved) * np.abs(laplace(3, 3, 16, 8, seed=4)) * is_free

    def bits_after(step: float) -> float:
        compressed.master.assign(before + step * direction)
        return float(compressed.coded_bits())

    along = float(tf.reduce_sum(moved * direction))
    assert along == pytest.approx((bits_after(1e-4) - bits_after(-1e-4)) / 2e-4, rel=0.03)
    if kind == "learned":
        bits_after(0)
        logarithms = compressed.trained[1].numpy()
        each = np.sign(others[0])
        bits = []
        for step in (1e-5, -1e-5):
            compressed.trained[1].assign(logarithms + step * each)
            bits.append(float(compressed.coded_bits()))
        assert float(tf.reduce_sum(others[0] * each)) == pytest.approx((bits[0] - bits[1]) / 2e-5, rel=0.05)


@pytest.mark.parametrize(
    ("bits", "masters", "places"),
    [
        (2, [-3.0, -2.0, -0.5, 0.0, 0.5, 3.0], [0, 0, 1.5, 2, 2.5, 3]),
        (1, [-2.0, -0.5, 0.0, 0.5, 2.0], [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_places_among_few_codes_are_between_the_first_and_the_last(
    bits: Bits, masters: list[float], places: list[float]
) -> None:
    """Two bits have -2 to 1; one bit has -1 and 1, which are neighbours."""
    kernel = Kernel("layer", "conv2d", tf.Variable(np.reshape(masters, (1, 1, -1, 1)).astype(np.float32)))
    grid = LearnedGrid(kernel, np.full((1, 1, 1, 1), 0.25, np.float32), CODES[bits])
    found, slopes = grid.places(0.25 * tf.convert_to_tensor(kernel.variable))
    np.testing.assert_allclose(np.reshape(found, -1), places, atol=1e-6)
    inside = (np.array(places) > 0) & (np.array(places) < CODES[bits].count - 1)
    np.testing.assert_allclose(np.reshape(slopes, -1), inside * (4 if bits == 2 else 2), rtol=1e-6)


def codes_of(kind: str, compressed: CompressedKernel) -> npt.NDArray[np.uint8]:
    """The codes that a file stores for the weights."""
    weights = np.moveaxis(compressed.kernel.variable.numpy(), -1, 0)
    if kind == "codebook":
        return np.asarray(np.unique(weights, return_inverse=True)[1].reshape(-1), np.uint8)
    scales = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / LARGEST_CODE
    if kind == "learned":
        scales = np.moveaxis(np.exp(compressed.trained[1].numpy()), -1, 0)
    return np.asarray(np.rint(weights / scales).reshape(-1), np.int8).view(np.uint8)


@pytest.mark.parametrize(
    "kind", [*(pytest.param(kind, marks=pytest.mark.slow) for kind in ("codebook", "learned")), "range"]
)
def test_a_higher_weight_gives_fewer_coded_bytes(kind: str) -> None:
    """A layer that has to stay near its weights gives up more of them, the more its bytes cost."""
    sizes, errors = [], []
    for weight in (0.0, 3e-4, 3e-3):
        original = laplace(3, 3, 16, 32)
        kernel = Kernel("layer", "conv2d", tf.Variable(original))
        compressed = rated(kind, kernel, weight / original.size)
        train_towards(original, compressed)
        sizes.append(len(smallest(codes_of(kind, compressed)).write()))
        errors.append(float(np.square(kernel.variable.numpy() - original).mean()))
    assert sizes[2] < sizes[1] < sizes[0]
    assert min(errors) == errors[0]


def train_towards(weights: npt.NDArray[np.float32], compressed: CompressedKernel) -> None:
    """Train a kernel, with the mean squared distance from some weights as the loss."""
    optimizer = keras.optimizers.legacy.Adam(0.001)

    def step() -> None:
        compressed.project()
        of_weights = 2 * (compressed.kernel.variable - weights) / weights.size
        optimizer.apply_gradients(zip(compressed.gradients(of_weights), compressed.trained, strict=True))

    compiled = tf.function(step, autograph=False)
    for _ in range(100):
        compiled()
    compressed.project()
