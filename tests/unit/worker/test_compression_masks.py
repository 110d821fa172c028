"""Which weights are taken out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from edgepress_worker.compression.masks import kernel_mask, magnitude_mask, pattern_mask


@settings(deadline=None)
@given(
    weights=stn.arrays(np.float32, st.integers(1, 60), elements=st.floats(-3, 3, width=32)),
    sparsity=st.floats(0, 0.99),
)
def test_the_smallest_weights_are_removed(weights: np.ndarray, sparsity: float) -> None:
    """The requested number is removed, also where weights tie; never all."""
    mask = magnitude_mask(weights, sparsity)
    magnitudes = np.abs(weights)
    kept, gone = magnitudes[mask == 1], magnitudes[mask == 0]
    asked = max(1, int(np.round(np.float32(weights.size) * (np.float32(1) - np.float32(sparsity)))))
    assert len(kept) == asked
    assert not len(gone) or gone.max() <= kept.min()


@pytest.mark.parametrize("sparsity", [0.5, 0.75, 0.8])
def test_the_requested_number_of_tied_weights_is_zero(sparsity: float) -> None:
    """With few distinct values, as in floats of a generator, whole levels would remove too many or too few weights."""
    weights = np.random.default_rng(0).integers(-16, 17, (3, 3, 20, 20)).astype(np.float32)
    mask = magnitude_mask(weights, sparsity)
    assert np.count_nonzero(mask == 0) == sparsity * weights.size


@pytest.mark.parametrize(
    ("shape", "sparsity", "removed"), [((3, 3, 4, 5), 0.5, 10), ((3, 2, 3, 3), 0.4, 4), ((6, 2), 0.5, 6)]
)
def test_whole_kernels_are_removed(shape: tuple[int, ...], sparsity: float, removed: int) -> None:
    """The kernels with the smallest sums of absolute weights go, at least the share; in a dense layer, weights."""
    weights = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    mask = kernel_mask(weights, sparsity)
    sums = {(i, o): np.abs(weights[..., i, o]).sum() for i in range(shape[-2]) for o in range(shape[-1])}
    gone = set(sorted(sums, key=lambda place: sums[place])[:removed])
    for place in sums:
        assert (mask[..., place[0], place[1]] == (place not in gone)).all()


@pytest.mark.parametrize("shape", [(3, 3, 8, 5), (3, 3, 6, 5), (12, 7)])
@pytest.mark.parametrize(("zeros", "group"), [(2, 4), (1, 2), (3, 4)])
def test_of_each_group_the_largest_stay(shape: tuple[int, ...], zeros: int, group: int) -> None:
    """Along the input channels; a group that is cut off counts as if zeros followed."""
    weights = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    kept = weights * pattern_mask(weights, zeros, group)
    inputs_last = np.moveaxis(kept, -2, -1).reshape(-1, shape[-2])
    all_last = np.abs(np.moveaxis(weights, -2, -1).reshape(-1, shape[-2]))
    for row, whole in zip(inputs_last, all_last, strict=True):
        for begin in range(0, len(row), group):
            here, there = row[begin : begin + group], whole[begin : begin + group]
            left = min(group - zeros, len(here))
            assert np.count_nonzero(here) == left
            assert sorted(np.abs(here[here != 0])) == sorted(np.sort(there)[-left:])
