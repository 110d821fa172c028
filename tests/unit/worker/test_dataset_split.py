"""The split of a set without parts: in each class, by seed and name alone."""

from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgepress_common.errors import InvalidInputError
from edgepress_worker.datasets.source import TEST, TRAIN, VALIDATION, LabelledSet
from edgepress_worker.datasets.split import split_set


def set_of(counts: list[int]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Names and labels of so many images of each class."""
    names = [f"{label}/{index}.png" for label, count in enumerate(counts) for index in range(count)]
    return names, np.repeat(np.arange(len(counts)), counts)


def split_by_class(
    names: list[str], labels: npt.NDArray[np.int64], *, fraction: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Which images of a set without parts validate."""
    parts = split_set(labelled(names, labels), validation_fraction=fraction, test_fraction=0, seed=seed)
    validates: npt.NDArray[np.bool_] = parts == VALIDATION
    return validates


def labelled(
    names: list[str], labels: npt.NDArray[np.int64], groups: list[str] | None = None, parts: list[int] | None = None
) -> LabelledSet:
    """A set of which only names, labels, groups and parts matter."""
    classes = tuple(map(str, range(int(labels.max()) + 1)))
    return LabelledSet(classes, names, labels, np.array(parts or [TRAIN] * len(names), np.int8), (), groups)


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
    """The same seed gives the same split."""
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


@given(
    counts=st.lists(st.integers(3, 40), min_size=1, max_size=4),
    fractions=st.tuples(st.floats(0.01, 0.49), st.floats(0.01, 0.49)),
    seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)),
)
def test_the_test_part_is_the_same_for_each_seed(
    counts: list[int], fractions: tuple[float, float], seeds: tuple[int, int]
) -> None:
    """Each class has its share in all three parts, at least one; validation is drawn from images that do not test."""
    names, labels = set_of(counts)
    one, other = (
        split_set(labelled(names, labels), validation_fraction=fractions[0], test_fraction=fractions[1], seed=seed)
        for seed in seeds
    )
    assert np.array_equal(one == TEST, other == TEST)
    for label, count in enumerate(counts):
        found = np.bincount(one[labels == label], minlength=3).tolist()
        assert min(found) >= 1
        for part, fraction in ((VALIDATION, fractions[0]), (TEST, fractions[1])):
            assert found[part] <= max(1, fraction * count + 0.5)


def test_parts_of_the_data_set_are_kept() -> None:
    """Missing parts are taken from the training images."""
    names, labels = set_of([10, 10])
    for brought, lacking in ((TEST, VALIDATION), (VALIDATION, TEST)):
        parts = [brought if number % 5 == 0 else TRAIN for number in range(20)]
        found = split_set(labelled(names, labels, parts=parts), validation_fraction=0.2, test_fraction=0.2, seed=3)
        assert np.array_equal(found == brought, np.array(parts) == brought)
        assert np.sum(found == lacking) == 4


def test_three_parts_need_three_images_of_each_class() -> None:
    """One each."""
    with pytest.raises(InvalidInputError, match="a class has 2 images; accepted: 3 or more of each class, as one must"):
        split_set(labelled(*set_of([5, 2])), validation_fraction=0.2, test_fraction=0.2, seed=0)


@pytest.mark.slow
@given(
    sizes=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=12, max_size=40),
    test_fraction=st.sampled_from([0.0, 0.15]),
    seed=st.integers(0, 99),
)
def test_no_group_is_in_two_parts(sizes: list[tuple[int, int]], test_fraction: float, seed: int) -> None:
    """This holds for any groups; each part has images of each class, or the error says why not."""
    labels = np.array([label for group in sizes for label, count in enumerate(group) for _ in range(count)], np.int64)
    groups = [str(number) for number, group in enumerate(sizes) for _ in range(sum(group))]
    names = [f"{number}.png" for number in range(len(labels))]
    assume(len(set(labels.tolist())) == 2)
    split = partial(split_set, validation_fraction=0.2, test_fraction=test_fraction, seed=seed)
    try:
        parts = split(labelled(names, labels, groups))
    except InvalidInputError as error:
        assert "accepted:" in str(error)  # noqa: PT017
        return
    for group in set(groups):
        assert len({int(part) for part, other in zip(parts, groups, strict=True) if other == group}) == 1
    for part in set(parts.tolist()):
        assert set(labels[parts == part].tolist()) == {0, 1}
    assert np.array_equal(parts, split(labelled(names, labels, groups)))


def test_groups_are_chosen_so_that_each_class_has_its_share() -> None:
    """The shares are as exact as whole groups allow: here, of 60 patients with up to ten images of two classes."""
    sizes = np.random.default_rng(0).integers(0, 6, (60, 2))
    labels = np.repeat(np.tile([0, 1], 60), sizes.ravel()).astype(np.int64)
    groups = np.repeat(np.arange(60), sizes.sum(axis=1)).astype(str).tolist()
    names = [f"{number}.png" for number in range(len(labels))]
    parts = split_set(labelled(names, labels, groups), validation_fraction=0.2, test_fraction=0.1, seed=0)
    for part, fraction in ((VALIDATION, 0.2), (TEST, 0.1)):
        for label in (0, 1):
            assert abs(np.mean(parts[labels == label] == part) - fraction) < 0.02


def test_a_class_of_too_few_groups_is_refused_by_name() -> None:
    """It is refused even if it has enough images."""
    names, labels = set_of([10, 10])
    groups = [f"g{number}" if number < 10 else "alone" for number in range(20)]
    with pytest.raises(InvalidInputError, match="the class 1 has images of 1 group; accepted: 2 or more groups"):
        split_set(labelled(names, labels, groups), validation_fraction=0.2, test_fraction=0, seed=0)
