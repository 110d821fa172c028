"""Blocks of weights that are shared, and values that a hash assigns: assignment, gradients, start, verification."""

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_common.bundle_files.decode import hashes
from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import Block, LayerPromise
from edgepress_worker.compression.block_codebooks import (
    BlockCodebook,
    HashedCodebook,
    existing_blocks,
    first_blocks,
    hashed_means,
    hashed_places,
    nearest_blocks,
)
from edgepress_worker.compression.blocks import BlockLayout, stored_blocks, unique_rows, without_sign
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.kernels import Kernel
from edgepress_worker.compression.promises import check_kernels
from edgepress_worker.keras_environment import tf

Weights = npt.NDArray[np.float32]
BLOCKS: list[tuple[tuple[int, ...], Block, int]] = [
    ((3, 3, 8, 5), "kernel", 9),
    ((3, 3, 8, 5), "1x4", 4),
    ((1, 1, 8, 5), "1x8", 8),
    ((8, 5), "1x2", 2),
]


def normal(*shape: int, seed: int = 1) -> Weights:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def block_at(weights: Weights, block: Block, channel: int, place: int) -> Weights:
    """Return a block of an output channel, one weight after the other: the definition."""
    kernel = weights.reshape(-1, *weights.shape[-2:])[..., channel]  # (height * width, in)
    if block == "kernel":
        return kernel[:, place]
    length = int(block[2:])
    return kernel.reshape(-1)[place * length : (place + 1) * length]


@pytest.mark.parametrize(("shape", "block", "length"), BLOCKS)
def test_a_kernel_is_made_of_its_blocks(shape: tuple[int, ...], block: Block, length: int) -> None:
    """In the order of output channels, in Keras's layout and in TFLite's."""
    weights, layout = normal(*shape), BlockLayout(shape, block)
    assert layout.length == length
    rows = layout.rows(tf.constant(weights)).numpy()
    per_channel = len(rows) // 5
    for channel in (0, 3):
        for place in (0, per_channel - 1):
            expected = block_at(weights, block, channel, place)
            np.testing.assert_array_equal(rows[channel * per_channel + place], expected)
    np.testing.assert_array_equal(layout.weights(tf.constant(rows)).numpy(), weights)
    np.testing.assert_array_equal(stored_blocks(np.moveaxis(weights, -1, 0), block).reshape(rows.shape), rows)


@pytest.mark.parametrize(("shape", "block"), [((1, 1, 8, 5), "kernel"), ((3, 3, 6, 5), "1x4"), ((8, 5), "kernel")])
def test_a_kernel_that_is_not_made_of_such_blocks_has_none(shape: tuple[int, ...], block: Block) -> None:
    """A pointwise convolution has one weight in a kernel; six channels are not fours."""
    assert BlockLayout(shape, block).length == 1


@pytest.mark.parametrize("count", [7, 5000])
def test_each_block_gets_the_nearest_one(count: int) -> None:
    """Also where there are more than are compared at once."""
    rows, centroids = normal(count, 9), normal(6, 9, seed=2)
    distances = ((rows[:, np.newaxis] - centroids) ** 2).sum(axis=2)
    np.testing.assert_array_equal(nearest_blocks(tf.constant(rows), tf.constant(centroids)), distances.argmin(axis=1))


def test_a_shared_block_moves_by_the_sum_of_its_blocks_gradients() -> None:
    """Weight by weight within the block."""
    shape = (3, 3, 8, 5)
    weights, gradient, centroids = normal(*shape), normal(*shape, seed=3), normal(4, 9, seed=2)
    book = BlockCodebook("layer", centroids, BlockLayout(shape, "kernel"))
    found = book.look_up(tf.constant(weights)).numpy()
    expected = np.zeros((4, 9))
    for channel in range(5):
        for place in range(8):
            block = weights[:, :, place, channel].reshape(-1)
            nearest = ((centroids - block) ** 2).sum(axis=1).argmin()
            np.testing.assert_array_equal(found[:, :, place, channel].reshape(-1), centroids[nearest])
            expected[nearest] += gradient[:, :, place, channel].reshape(-1)
    np.testing.assert_allclose(book.gradient(tf.constant(gradient)).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_the_first_blocks_are_near_those_of_the_kernel() -> None:
    """Sixteen kinds of kernels with a little noise are found; the same seed draws the same ones."""
    kinds: Weights = np.float32(10) * normal(16, 9)
    drawn = np.random.default_rng(4).integers(0, 16, (32, 24))
    rows: Weights = kinds[drawn] + normal(32, 24, 9, seed=5) / np.float32(100)
    weights = np.ascontiguousarray(rows.transpose(2, 1, 0).reshape(3, 3, 24, 32))
    layout = BlockLayout(weights.shape, "kernel")
    centroids = first_blocks(weights, 24, layout, seed=1)
    distances = ((rows.reshape(-1, 1, 9) - centroids) ** 2).sum(axis=2).min(axis=1)
    assert distances.max() < 0.01
    assert np.array_equal(centroids, first_blocks(weights, 24, layout, seed=1))


def fmix32(value: int) -> int:
    """The finalizer of MurmurHash3, on Python's integers."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        value = ((value ^ value >> shift) * factor) % 2**32
    return value ^ value >> 16


def test_hashes_are_those_of_murmurhash() -> None:
    """The upper bits, which are about evenly distributed."""
    found = hashes(1 << 14, 4)
    assert found[:100].tolist() == [fmix32(place) >> 28 for place in range(100)]
    assert np.bincount(found).min() > 0.9 * 1024


def test_hashed_values_move_by_the_sum_of_their_weights_gradients() -> None:
    """A value begins as the mean of its weights; places are those of the .tflite file, output channels first."""
    shape = (3, 3, 4, 6)
    weights, gradient = normal(*shape), normal(*shape, seed=3)
    places, stored = hashed_places(shape, 8), np.moveaxis(weights, -1, 0).reshape(-1)
    assert np.moveaxis(places, -1, 0).reshape(-1).tolist() == hashes(weights.size, 3).tolist()
    means = hashed_means(weights, 8)
    np.testing.assert_allclose(means[3], stored[hashes(weights.size, 3) == 3].mean(), rtol=1e-5)
    book = HashedCodebook("layer", means, shape)
    np.testing.assert_array_equal(book.look_up().numpy(), means[places])
    expected = [gradient[places == place].sum() for place in range(8)]
    np.testing.assert_allclose(book.gradient(tf.constant(gradient)).numpy(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(hashed_means(means[places], 8), means)


@pytest.mark.parametrize("sharing", ["kernel", "hashed"])
def test_a_kernel_keeps_sharing_on_int8s_grid(sharing: str) -> None:
    """With one scale for the layer; the promise holds, and is broken by another weight."""
    variable = tf.Variable(normal(3, 3, 8, 5))
    kernel = Kernel("layer", "conv2d", variable)
    layout = BlockLayout(tuple(variable.shape), "kernel")
    weights = variable.numpy()
    if sharing == "hashed":
        codebook: BlockCodebook | HashedCodebook = HashedCodebook("layer", hashed_means(weights, 4), weights.shape)
        promise = LayerPromise(layer="layer", clusters=4, hashed=True, grid="layer")
    else:
        codebook = BlockCodebook("layer", first_blocks(weights, 4, layout, seed=1), layout)
        promise = LayerPromise(layer="layer", clusters=4, block="kernel", grid="layer")
    compressed = CompressedKernel(kernel, codebook=codebook, grid="layer")
    compressed.project()
    check_kernels([kernel], [promise])
    assert len(compressed.gradients(tf.ones_like(variable))) == len(compressed.trained)
    if sharing == "kernel":
        rows = layout.rows(variable).numpy()
        assert unique_rows(rows) == 4 == len(existing_blocks(variable.numpy(), 4, layout))
    largest = np.abs(variable.numpy()).max()
    variable[0, 0, 0, 0].assign(largest / 2)
    with pytest.raises(BrokenPromiseError, match="4 were promised" if sharing == "kernel" else "with the same hash"):
        check_kernels([kernel], [promise.model_copy(update={"grid": None})])


def test_negated_blocks_are_the_same_without_sign() -> None:
    """Blocks of zeros too."""
    rows = np.array([[0, -3, 2], [0, 3, -2], [0, 0, 0], [-128, 1, 1]], np.int8)
    assert unique_rows(without_sign(rows)) == 3
    assert without_sign(rows).tolist()[-1] == [128, -1, -1]
