"""Sequences of bytes are restored exactly, in few bytes."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgepress_common.bundle_files import decode
from edgepress_worker.coded.classes import find_classes
from edgepress_worker.coded.frequencies import coded_bits, entropy_bits, scaled_frequencies
from edgepress_worker.coded.sequences import Blocks, Channels, smallest
from fakes.tensors_to_code import tensors


def restored(content: bytes, count: int) -> npt.NDArray[np.uint8]:
    """Decode a sequence, all of which is read."""
    stream = io.BytesIO(content)
    found = decode._decode_node(decode._Reader(stream), count)
    assert stream.read() == b""
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "values"), [*tensors()], ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("channels", [None, Channels(16, decode.BLOCKED), Channels(16, decode.INTERLEAVED)])
def test_each_kind_of_tensor_is_restored(name: str, values: npt.NDArray[np.generic], channels: Channels | None) -> None:
    """Bit for bit, and never longer than the bytes themselves; its length is known before it is written."""
    content = values.view(np.uint8)
    way = smallest(content, values.itemsize, channels, is_ascending=name == "indices")
    written = way.write()
    assert np.array_equal(restored(written, len(content)), content)
    assert len(written) <= len(content) + 1
    assert way.size_bytes == pytest.approx(len(written), rel=0.02, abs=8)


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.uint8, st.integers(1, 3000), elements=st.integers(0, 255)), st.sampled_from([1, 2, 4, 8]))
def test_any_bytes_are_restored(content: npt.NDArray[np.uint8], width: int) -> None:
    """The width of the elements does not matter."""
    content = content[: max(len(content) // width, 1) * width]
    if len(content) % width == 0:
        assert np.array_equal(restored(smallest(content, width).write(), len(content)), content)


@given(
    arrays.arrays(np.int64, st.integers(2, 256), elements=st.integers(0, 10**9)).filter(np.any),
    st.sampled_from([8, 14]),
)
def test_frequencies_add_up(counts: npt.NDArray[np.int64], bits: int) -> None:
    """Each symbol that occurs has one, the others none."""
    frequencies = scaled_frequencies(counts, bits)
    assert frequencies.sum() == 1 << bits
    assert np.array_equal(frequencies > 0, counts > 0)


def codes(share: float, values: int, length: int = 1 << 19) -> npt.NDArray[np.uint8]:
    """Codes of a network that is pruned to a share of zeros and clustered to so many values."""
    random = np.random.default_rng(1)
    drawn = np.clip(np.round(random.laplace(0, values / 8, length)), -values // 2, values // 2 - 1)
    return np.where(random.random(length) < share, 0, drawn).astype(np.int8).view(np.uint8)


@pytest.mark.parametrize(("share", "values"), [(0, 16), (0.5, 32), (0.8, 16), (0.95, 4), (0, 250)])
def test_codes_take_little_more_than_their_entropy(share: float, values: int) -> None:
    """At most 1.5 % more, table included, and no more than that above what a maintained range coder writes."""
    symbols = codes(share, values)
    counts = np.bincount(symbols, minlength=256)
    written = len(smallest(symbols).write())
    assert written <= 1.015 * entropy_bits(counts) / 8
    assert coded_bits(counts, scaled_frequencies(counts, 14)) <= 1.002 * entropy_bits(counts)
    constriction = pytest.importorskip("constriction")  # has no wheel for aarch64
    model = constriction.stream.model.Categorical(counts / counts.sum(), perfect=False)
    coder = constriction.stream.stack.AnsCoder()
    coder.encode_reverse(symbols.astype(np.int32), model)
    assert written <= 1.015 * coder.num_bits() / 8


def test_channels_with_values_of_their_own_have_tables_of_their_own() -> None:
    """Each of 64 channels has 16 codes of its own: together they look like 256."""
    random = np.random.default_rng(2)
    own = np.stack([random.choice(256, 16, replace=False) for _ in range(64)])
    symbols = np.take_along_axis(own, random.integers(0, 16, (64, 4096)), axis=1).astype(np.uint8)
    together = len(smallest(symbols.reshape(-1)).write())
    apart = smallest(symbols.reshape(-1), 1, Channels(64, decode.BLOCKED)).write()
    assert np.array_equal(restored(apart, symbols.size), symbols.reshape(-1))
    assert len(apart) < 1.015 * symbols.size / 2 < 0.85 * together
    turned = np.ascontiguousarray(symbols.T).reshape(-1)
    interleaved = smallest(turned, 1, Channels(64, decode.INTERLEAVED)).write()
    assert np.array_equal(restored(interleaved, symbols.size), turned)
    assert len(interleaved) == len(apart)


@pytest.mark.parametrize("entries", [64, 1000])
@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_kernels_that_repeat_are_coded_as_indices(entries: int, dtype: type[np.generic]) -> None:
    """A codebook of 3x3 kernels costs an index per kernel, with more than 256 entries as well."""
    random = np.random.default_rng(3)
    codebook = random.integers(-127, 128, (entries, 9)).astype(dtype)
    chosen = random.integers(0, entries, (128, 256))
    weights = np.ascontiguousarray(codebook[chosen].transpose(0, 2, 1))  # output channels, places, input channels
    content = weights.reshape(-1).view(np.uint8)
    written = smallest(content, weights.itemsize, blocks=(Blocks(9, 256, 9), Blocks(1, 256, 4))).write()
    assert np.array_equal(restored(written, len(content)), content)
    bits_per_index = 1.02 * np.log2(entries) if entries <= 256 else 8.1 + np.log2(entries / 256) + 0.1
    assert len(written) < codebook.nbytes + 100 + chosen.size * bits_per_index / 8


def test_blocks_of_input_channels_that_repeat_are_coded_as_indices() -> None:
    """Blocks of four neighbours need no transposition."""
    random = np.random.default_rng(4)
    codebook = random.integers(-127, 128, (100, 4)).astype(np.int8)
    content = codebook[random.integers(0, 100, 9 << 12)].reshape(-1).view(np.uint8)
    written = smallest(content, blocks=(Blocks(9, 256, 9), Blocks(1, 256, 4))).write()
    assert np.array_equal(restored(written, len(content)), content)
    assert len(written) < 1.02 * (codebook.nbytes + (9 << 12) * np.log2(100) / 8)


@pytest.mark.parametrize("bits", [2, 10, 16])
@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_hashed_values_are_coded_without_their_assignment(bits: int, dtype: type[np.generic]) -> None:
    """Only the values take bytes; one other weight, and the file has them all."""
    random = np.random.default_rng(5)
    values = random.integers(-127, 128, 1 << bits).astype(dtype)
    elements = values[decode.hashes(300_000, bits)]
    way = smallest(elements.view(np.uint8), elements.itemsize, may_be_hashed=True)
    written = way.write()
    assert np.array_equal(restored(written, elements.nbytes), elements.view(np.uint8))
    assert (written[0], way.version) == (decode.HASHED, 2)
    assert len(written) <= values.nbytes + 100
    elements[-1] += dtype(1)
    assert smallest(elements.view(np.uint8), elements.itemsize, may_be_hashed=True).version == 1


def uneven(share: float, axes: tuple[int, int, int]) -> npt.NDArray[np.int8]:
    """Codes whose magnitudes differ by output channel, place and input channel; a share of the smallest is 0."""
    random = np.random.default_rng(6)
    sides = [
        np.exp(random.normal(0, 0.5, [size if axis == at else 1 for at in range(3)])) for axis, size in enumerate(axes)
    ]
    weights = random.laplace(0, 1, axes) * sides[0] * sides[1] * sides[2]
    weights[np.abs(weights) < np.quantile(np.abs(weights), share)] = 0
    return np.asarray(np.clip(np.rint(weights * 8), -127, 127), np.int8)


@pytest.mark.parametrize(("share", "most"), [(0, 0.98), (0.8, 0.96)])
def test_codes_of_uneven_channels_take_less_than_their_entropy(share: float, most: float) -> None:
    """A table for each class of magnitudes saves what one for all does not see."""
    axes = (128, 9, 64)
    content = uneven(share, axes).reshape(-1).view(np.uint8)
    entropy = entropy_bits(np.bincount(content, minlength=256)) / 8
    way = smallest(content, 1, Channels(128, decode.BLOCKED), axes=axes)
    written = way.write()
    assert np.array_equal(restored(written, len(content)), content)
    assert (written[0], written[2], way.version) == (decode.RANS, decode.CLASSED, 2)
    assert way.size_bytes == pytest.approx(len(written), rel=0.005)
    assert len(written) < most * entropy


@settings(max_examples=30, deadline=None)
@given(st.tuples(*(st.integers(1, 20),) * 3), st.integers(2, 16), st.integers(0, 5))
def test_each_class_has_the_codes_of_its_levels(axes: tuple[int, int, int], count: int, spread: int) -> None:
    """No class is empty, and a class is what the decoder makes of levels and bounds."""
    codes = np.asarray(np.random.default_rng(spread).normal(0, spread, axes), np.int8)
    classes = find_classes(codes, count)
    outer, middle, inner = (levels.astype(int) for levels in classes.levels)
    for place in np.ndindex(axes):
        level = outer[place[0]] + middle[place[1]] + inner[place[2]]
        assert level < 256
        assert classes.of_element.reshape(axes)[place] == sum(level >= bound for bound in classes.bounds.tolist())
    assert set(classes.of_element.tolist()) == set(range(classes.count))
    assert classes.count <= count


def test_levels_are_logarithms_of_mean_magnitudes() -> None:
    """Eight for twice the mean, 42 at the mean."""
    codes = np.array([[[2, -2], [2, 2]], [[-1, 1], [1, 1]]], np.int8)
    outer, middle, inner = find_classes(codes, 2).levels
    assert outer.tolist() == [round(42 + 8 * np.log2(2 / 1.5)), round(42 + 8 * np.log2(1 / 1.5))]
    assert (middle.tolist(), inner.tolist()) == ([42, 42], [42, 42])
