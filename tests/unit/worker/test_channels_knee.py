"""The allocation ``knee``: fronts, knees, and the search for them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_worker.channels.allocation import Allocator, Bounds, BudgetError
from edgepress_worker.channels.groups import Group, find_groups, selected_groups
from edgepress_worker.channels.importance import Candidates
from edgepress_worker.channels.knee import KneeSearch, error_after_estimation, first_front, knee
from edgepress_worker.channels.surgery import without_channels
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.training.statistics import estimate_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

layers = keras.layers
SIZES, WORTH = (8, 8, 8), (4.0, 2.0, 0.5)


def test_the_knee_is_the_nearest_of_the_front_to_the_ideal() -> None:
    """Computed one by one, for random individuals, some of which are equal."""
    drawn = np.random.default_rng(5).integers(1, 30, (200, 2)).astype(float)
    objectives = drawn[drawn.prod(axis=1) > 60]
    front = [
        one
        for one in objectives.tolist()
        if not any(a <= one[0] and b <= one[1] and [a, b] != one for a, b in objectives.tolist())
    ]
    assert sorted(objectives[first_front(objectives)].tolist()) == sorted(front)
    (low, least), (high, most) = np.min(front, axis=0), np.max(front, axis=0)
    away = {tuple(one): (one[0] - low) / (high - low) + (one[1] - least) / (most - least) for one in front}
    assert away[tuple(objectives[knee(objectives)].tolist())] == pytest.approx(min(away.values()))


def search(budget: float, seed: int = 0) -> KneeSearch:
    """A search over three groups that are worth differently much; a unit of each costs 1."""
    groups = tuple(
        Group((f"layer{number}",), np.arange(8 * number, 8 * number + 8), (), ()) for number in range(len(SIZES))
    )
    bounds = Bounds(groups, sum(SIZES), multiple_of=1, floor=1)
    allocators = [
        Allocator(kind, bounds, np.arange(24.0), lambda kept: float(kept.sum())) for kind in ("uniform", "global")
    ]
    return KneeSearch(allocators, lambda kept: error(kept.reshape(3, 8).sum(axis=1)), budget, seed)


def error(counts: Any) -> float:
    return float(sum(worth * 0.5**count for worth, count in zip(WORTH, counts, strict=True)))


def test_the_search_finds_the_knee() -> None:
    """Its result is nearly as near to the ideal as the best of all 512 allocations, and depends only on the seed."""
    everything = [counts for counts in itertools.product(range(1, 9), repeat=3) if sum(counts) <= 18]
    objectives = np.array([[error(counts), sum(counts)] for counts in everything])
    best = objectives[knee(objectives)]
    kept = search(18).run()
    counts = kept.reshape(3, 8).sum(axis=1)
    spans = np.ptp(objectives[first_front(objectives)], axis=0)
    assert ((np.array([error(counts), counts.sum()]) - best) / spans).sum() < 0.05
    assert counts[0] > counts[2]
    np.testing.assert_array_equal(kept, search(18).run())


def test_the_search_stays_within_the_budget() -> None:
    """Even where its knee would be larger; a budget below the floor is refused."""
    assert search(7).run().sum() <= 7
    with pytest.raises(BudgetError):
        search(2).run()


def batches() -> Iterator[Any]:
    random = np.random.default_rng(4)
    for count in (6, 5):
        pixels = random.uniform(0, 1, (count, 6, 6, 3))
        yield tf.constant(pixels, tf.float32), tf.one_hot(random.integers(0, 3, count), 3)


def test_the_error_is_that_of_the_narrow_network_with_its_own_statistics() -> None:
    """The same share of wrong images as of networks that are built without the units; the network is not changed."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    pixels = keras.Input((6, 6, 3), name="pixels")
    flow = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, name="one")(pixels)))
    flow = layers.GlobalAveragePooling2D()(flow)
    network = keras.Model(pixels, layers.Dense(3, activation="softmax", name="classifier")(flow))
    before, grouped = network.get_weights(), find_groups(network)
    found = error_after_estimation(Candidates(network, grouped, selected_groups(grouped, {"one"}), batches, seed=1))
    for seed in range(2):
        kept = np.ones(grouped.unit_count, bool)
        (group,) = selected_groups(grouped, {"one"})
        kept[np.random.default_rng(seed).permutation(group.units)[:5]] = False
        narrow = without_channels(network, grouped.flow, grouped.kept_channels(kept))
        estimate_statistics(narrow, (images for images, _ in batches()))
        wrong = [narrow(images).numpy().argmax(axis=1) != labels.numpy().argmax(axis=1) for images, labels in batches()]
        assert found(kept) == pytest.approx(np.concatenate(wrong).mean())
    for one, other in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
