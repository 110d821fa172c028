"""The growth of the loss without a part of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_worker.channels.allocation import Bounds
from edgepress_worker.channels.groups import find_groups, selected_groups
from edgepress_worker.channels.importance import Candidates
from edgepress_worker.channels.sensitivity import loss_growth
from edgepress_worker.channels.surgery import without_channels
from edgepress_worker.keras_environment import keras, tf

if TYPE_CHECKING:
    from collections.abc import Iterator

layers = keras.layers


def batches() -> Iterator[Any]:
    random = np.random.default_rng(4)
    for count in (6, 5):
        pixels = random.uniform(0, 1, (count, 6, 6, 3))
        yield tf.constant(pixels, tf.float32), tf.one_hot(random.integers(0, 3, count), 3)


def test_growth_is_the_loss_of_the_network_without_the_units() -> None:
    """The same losses, of networks that are built without the units; the network keeps its weights."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    pixels = keras.Input((6, 6, 3), name="pixels")
    flow = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, name="one")(pixels)))
    flow = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu", name="other")(flow))
    network = keras.Model(pixels, layers.Dense(3, activation="softmax", name="classifier")(flow))
    before = network.get_weights()
    grouped = find_groups(network)
    groups = selected_groups(grouped, {"one", "other"})
    scores = np.random.default_rng(1).uniform(size=grouped.unit_count)
    bounds = Bounds(groups, grouped.unit_count, multiple_of=1, floor=1)
    growth = loss_growth(Candidates(network, grouped, groups, batches, seed=1), bounds, scores)

    def loss(kept: Any) -> float:
        narrow = without_channels(network, grouped.flow, grouped.kept_channels(kept))
        images = [(narrow(images, training=True).numpy(), labels.numpy()) for images, labels in batches()]
        return float(np.concatenate([-np.log((each * labels).sum(axis=1)) for each, labels in images]).mean())

    whole = loss(np.ones(grouped.unit_count, bool))
    for group, found in zip(groups, growth, strict=True):
        size = len(group)
        losses = []
        for count in (size // 4, size // 2, 3 * size // 4):
            kept = np.ones(grouped.unit_count, bool)
            kept[group.units[np.argsort(-scores[group.units])][count:]] = False
            losses.append(loss(kept) - whole)
        expected = [max(0, *losses), max(0, *losses[1:]), max(0, losses[2]), 0]
        assert found[[size // 4 - 1, size // 2 - 1, 3 * size // 4 - 1, size - 1]] == pytest.approx(expected, abs=1e-5)
        assert (np.diff(found) <= 0).all()
    for weights, unchanged in zip(network.get_weights()[:4], before[:4], strict=True):
        np.testing.assert_array_equal(weights, unchanged)
