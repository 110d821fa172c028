"""Leaving zeros out of a tensor, and filling them in again."""

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_common.errors import StepFailedError
from edgepress_worker.tflite.sparse_encoding import fill_in_zeros, leave_out_zeros


@pytest.mark.parametrize("shape", [(5, 7), (300, 2), (2, 300), (6, 3, 3, 20), (4, 1, 1, 400), (1, 9)])
@pytest.mark.parametrize("dtype", [np.int8, np.float16, np.float32])
def test_a_sparse_array_can_be_decoded(shape: tuple[int, ...], dtype: type) -> None:
    """For any shape, type and sparse dimension, every value is back in its place."""
    random = np.random.default_rng(4)
    whole: npt.NDArray[np.generic] = (random.integers(1, 100, shape) * (random.random(shape) < 0.2)).astype(dtype)
    stored, encoding = leave_out_zeros(whole)
    assert len(stored) == np.count_nonzero(whole)
    filled = fill_in_zeros(stored, shape, encoding)
    assert filled.dtype == dtype
    assert np.array_equal(filled, whole)


def test_only_zeros_are_not_a_value() -> None:
    """A tensor of zeros stores nothing."""
    stored, encoding = leave_out_zeros(np.zeros((3, 4), np.int8))
    assert len(stored) == 0
    assert not fill_in_zeros(stored, (3, 4), encoding).any()


def test_coordinates_have_one_byte_where_a_dimension_allows_it() -> None:
    """Zeros are omitted along the dimension with 200 places, not along the one with 400."""
    whole = (np.random.default_rng(4).random((200, 400)) < 0.2).astype(np.int8)
    stored, encoding = leave_out_zeros(whole)
    assert encoding.order == (1, 0)
    last = encoding.levels[-1]
    assert last.indices is not None
    assert last.segments is not None
    assert (last.indices.itemsize, last.segments.itemsize) == (1, 2)
    assert encoding.size_bytes == len(stored) + 2 * 401


def test_an_encoding_of_another_number_of_values_is_refused() -> None:
    """One value too few is an error, not a tensor that ends in zeros."""
    stored, encoding = leave_out_zeros(np.eye(4, dtype=np.int8))
    with pytest.raises(StepFailedError, match="has 3 values where its encoding expects 4"):
        fill_in_zeros(stored[:-1], (4, 4), encoding)
