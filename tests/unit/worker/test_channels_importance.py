"""The criteria, each compared with a small computation of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_worker.channels.groups import find_groups, selected_groups
from edgepress_worker.channels.importance import Candidates, importance
from edgepress_worker.keras_environment import keras, tf
from fakes.channel_networks import randomize_normalizations

if TYPE_CHECKING:
    from collections.abc import Iterator

layers = keras.layers


@pytest.fixture(scope="module")
def network() -> Any:
    """A stream of 4 channels with two makers, and an inner convolution of 5 with a normalization."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    pixels = keras.Input((6, 6, 3), name="pixels")
    stream = layers.Conv2D(4, 3, padding="same", name="entry")(pixels)
    flow = layers.Conv2D(5, 3, padding="same", use_bias=False, name="inner")(stream)
    flow = layers.ReLU()(layers.BatchNormalization(name="norm")(flow))
    stream = layers.Add()([stream, layers.Conv2D(4, 1, name="outer")(flow)])
    flow = layers.Dense(3, name="classifier")(layers.GlobalAveragePooling2D()(stream))
    network = keras.Model(pixels, layers.Activation("softmax")(flow))
    randomize_normalizations(network, np.random.default_rng(3))
    return network


def batches() -> Iterator[Any]:
    random = np.random.default_rng(4)
    for count in (6, 5):
        yield (
            tf.constant(random.uniform(0, 1, (count, 6, 6, 3)), tf.float32),
            tf.one_hot(random.integers(0, 3, count), 3),
        )


def ranked(network: Any, criterion: str, *names: str) -> dict[str, Any]:
    """The importance of each unit, by the first layer of its group."""
    grouped = find_groups(network)
    groups = selected_groups(grouped, names or {"entry", "outer", "inner"})
    scores = importance(criterion, Candidates(network, grouped, groups, batches, seed=1))
    return {group.layers[0]: scores[group.units] for group in groups}


def filters(network: Any, name: str) -> list[Any]:
    kernel = network.get_layer(name).kernel.numpy()
    return [kernel[..., channel].ravel() for channel in range(kernel.shape[-1])]


def relative(values: list[Any]) -> Any:
    return np.array(values) / np.mean(values)


NORMS: dict[str, Any] = {
    "l1": lambda filter_, _: sum(abs(weight) for weight in filter_),
    "l2": lambda filter_, _: np.sqrt(sum(weight**2 for weight in filter_)),
    "fpgm": lambda filter_, all_: sum(np.sqrt(((filter_ - other) ** 2).sum()) for other in all_),
}


@pytest.mark.parametrize("criterion", NORMS)
def test_norms_and_distances_of_filters(criterion: str, network: Any) -> None:
    """A unit of the stream has the mean of its two filters, each relative to the mean of its layer."""
    of = {
        name: relative([NORMS[criterion](each, filters(network, name)) for each in filters(network, name)])
        for name in ("entry", "outer", "inner")
    }
    found = ranked(network, criterion)
    np.testing.assert_allclose(found["inner"], of["inner"], rtol=1e-5)
    np.testing.assert_allclose(found["entry"], (of["entry"] + of["outer"]) / 2, rtol=1e-5)


def test_factors_of_normalizations(network: Any) -> None:
    """The criterion reads the normalization that follows; a group without one is refused."""
    gamma = network.get_layer("norm").gamma.numpy()
    found = ranked(network, "bn_scale", "inner")
    np.testing.assert_allclose(found["inner"], gamma / gamma.mean(), rtol=1e-6)
    with pytest.raises(InvalidInputError, match="bn_scale can't rank the channels of entry, outer, which no norm"):
        ranked(network, "bn_scale")


@pytest.mark.slow
def test_taylor_is_the_squared_derivative_by_a_gate(network: Any) -> None:
    """The same derivative, by finite differences of the loss when a unit is multiplied by a gate near 1."""
    gates = {"inner": ["norm"], "entry": ["entry", "outer"]}
    found = ranked(network, "taylor")

    def loss(scaled: list[str], unit: int, gate: float, batch: Any) -> float:
        before = {name: network.get_layer(name).get_weights() for name in scaled}
        for name, values in before.items():
            factor = np.ones(len(values[1]))
            factor[unit] = gate
            network.get_layer(name).set_weights([values[0] * factor, values[1] * factor, *values[2:]])
        predicted = network(batch[0], training=False).numpy().astype(np.float64)
        for name, values in before.items():
            network.get_layer(name).set_weights(values)
        return float(-np.log((predicted * batch[1].numpy()).sum(axis=1)).mean())

    step = 0.002
    for group, scaled in gates.items():
        for unit in range(len(found[group])):
            slopes = [
                (loss(scaled, unit, 1 + step, batch) - loss(scaled, unit, 1 - step, batch)) / (2 * step)
                for batch in batches()
            ]
            assert found[group][unit] == pytest.approx(np.mean(np.square(slopes)), rel=0.05, abs=1e-8)


def test_random_depends_on_the_seed_alone(network: Any) -> None:
    """The same seed gives the same order."""
    grouped = find_groups(network)
    one, same, other = (
        importance("random", Candidates(network, grouped, grouped.groups, batches, seed=seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()
