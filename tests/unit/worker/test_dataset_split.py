"""The split of a set that brings none: in each class, by seed and name alone."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgepress_common.errors import InvalidInputError
from edgepress_worker.datasets.split import split_by_class


def set_of(counts: list[int]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Names and labels of so many images of each class."""
    names = [f"{label}/{index}.png" for label, count in enumerate(counts) for index in range(count)]
    return names, np.repeat(np.arange(len(counts)), counts)


@given(
    counts=st.lists(st.integers(2, 40), min_size=1, max_size=5),
    fraction=st.floats(0.001, 0.999),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_class_has_its_share_on_both_sides(counts: list[int], fraction: float, seed: int) -> None:
    """The fraction to the nearest image, but never none and never all."""
    names, labels = set_of(counts)
    validates = split_by_class(names, labels, fraction=fraction, seed=seed)
    for label, count in enumerate(counts):
        kept_back = int(validates[labels == label].sum())
        assert 1 <= kept_back <= count - 1
        assert abs(kept_back - fraction * count) <= 1


@given(order=st.permutations(range(30)))
def test_the_order_of_listing_does_not_matter(order: list[int]) -> None:
    """An image is on the same side wherever in the list it stands."""
    names, labels = set_of([10, 12, 8])
    validates = split_by_class(names, labels, fraction=0.3, seed=1)
    shuffled = split_by_class([names[index] for index in order], labels[order], fraction=0.3, seed=1)
    assert np.array_equal(shuffled, validates[order])


def test_another_seed_is_another_split() -> None:
    """And the same seed the same one."""
    names, labels = set_of([50, 50])
    one, same, other = (split_by_class(names, labels, fraction=0.5, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_an_image_that_is_added_moves_at_most_one_other() -> None:
    """So results before and after stay comparable."""
    names, labels = set_of([100])
    before = split_by_class(names, labels, fraction=0.2, seed=0)
    after = split_by_class([*names, "new.png"], np.append(labels, 0), fraction=0.2, seed=0)
    assert np.sum(before != after[:-1]) <= 1


def test_a_class_of_one_image_is_refused_by_name() -> None:
    """It can't both train and validate."""
    with pytest.raises(InvalidInputError, match=r"only image of its class is 1/0\.png; accepted: 2 or more"):
        split_by_class(*set_of([3, 1]), fraction=0.5, seed=0)
