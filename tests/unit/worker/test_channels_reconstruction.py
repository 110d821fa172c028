"""The criterion ``thinet``: contributions to the next layer, their greedy removal, and least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_worker.channels.groups import find_groups, selected_groups
from edgepress_worker.channels.importance import Candidates
from edgepress_worker.channels.reconstruction import Reconstruction, error_scores, reconstructions, rescale
from edgepress_worker.channels.surgery import without_channels
from edgepress_worker.keras_environment import keras, tf

if TYPE_CHECKING:
    from collections.abc import Iterator

layers = keras.layers


def batches() -> Iterator[Any]:
    random = np.random.default_rng(4)
    for _ in range(3):
        yield tf.constant(random.uniform(0, 1, (8, 7, 7, 3)), tf.float32), tf.one_hot(random.integers(0, 3, 8), 3)


def reconstruction(contributions: Any) -> Reconstruction:
    """Contributions as samples ``(samples, units)``."""
    count = contributions.shape[1]
    return Reconstruction(np.arange(count), "next", np.arange(count), contributions.T @ contributions)


def test_units_are_removed_by_the_least_error() -> None:
    """The order is that of the paper's algorithm, step by step on the contributions themselves."""
    contributions = np.random.default_rng(1).normal(size=(50, 6)) * [1, 2, 0.5, 3, 1, 0.1]
    removed: list[int] = []
    left, errors = set(range(6)), []
    while left:
        tried = {unit: (contributions[:, np.array([*removed, unit])].sum(axis=1) ** 2).sum() for unit in left}
        best = min(tried, key=lambda unit: tried[unit])
        removed.append(best)
        errors.append(tried[best])
        left.remove(best)
    found = reconstruction(contributions).errors()
    whole = (contributions.sum(axis=1) ** 2).sum()
    np.testing.assert_allclose(found[np.array(removed)], np.maximum.accumulate(errors) / whole, rtol=1e-6)


def test_factors_reconstruct_the_whole_sum_best() -> None:
    """They are the solution of least squares over the samples; a unit that equals another one takes its part."""
    contributions = np.random.default_rng(1).normal(size=(50, 5))
    contributions[:, 4] = contributions[:, 1]
    kept = np.array([True, True, True, False, False])
    expected = np.linalg.lstsq(contributions[:, kept], contributions.sum(axis=1), rcond=None)[0]
    found = reconstruction(contributions).factors(kept)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found[1] == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize("reader", ["convolution", "dense"])
def test_twin_of_a_removed_channel_takes_its_part_exactly(reader: str) -> None:
    """One of two channels that contribute alike is removed, and the network computes the same."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    pixels = keras.Input((7, 7, 3), name="pixels")
    flow = layers.ReLU()(layers.Conv2D(5, 3, name="inner")(pixels))
    if reader == "convolution":
        flow = layers.Conv2D(6, 3, padding="same", name="next")(flow)
    flow = layers.GlobalAveragePooling2D()(flow)
    network = keras.Model(pixels, layers.Dense(3, activation="softmax", name="classifier")(flow))
    kernel, bias = network.get_layer("inner").get_weights()
    kernel[..., 4], bias[:] = kernel[..., 1], 0.1
    network.get_layer("inner").set_weights([kernel, bias])
    after = network.get_layer("next" if reader == "convolution" else "classifier")
    kernel, bias = after.get_weights()
    kernel[..., 4, :] = 0.5 * kernel[..., 1, :]
    after.set_weights([kernel, bias])
    grouped = find_groups(network)
    candidates = Candidates(network, grouped, selected_groups(grouped, {"inner"}), batches, seed=1)
    found = reconstructions(candidates)
    kept = np.ones(grouped.unit_count, bool)
    kept[grouped.unit_of[grouped.flow.made["inner"][4]]] = False
    narrow = without_channels(network, grouped.flow, grouped.kept_channels(kept))
    rescale(narrow, found, kept)
    for images, _ in batches():
        np.testing.assert_allclose(narrow(images), network(images), atol=1e-4)


def test_a_stream_is_reconstructed_in_each_layer_that_reads_it() -> None:
    """A channel has a twin; two convolutions and a dense layer behind a concatenation and a flattening read both.

    The network computes the same without it, although the dense layer also loses inputs of another group.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    pixels = keras.Input((7, 7, 3), name="pixels")
    shared = layers.Conv2D(5, 3, name="shared")(pixels)
    both = [layers.Conv2D(4, 3, name=name)(shared) for name in ("one", "other")]
    second = layers.Conv2D(3, 3, name="second")(pixels)
    flat = layers.Flatten()(layers.MaxPooling2D(5)(layers.Concatenate()([second, layers.ReLU()(shared)])))
    flow = layers.Concatenate()([layers.GlobalAveragePooling2D()(layers.Add()(both)), flat])
    network = keras.Model(pixels, layers.Dense(3, activation="softmax", name="classifier")(flow))
    for name in ("shared", "second"):
        kernel, bias = network.get_layer(name).get_weights()
        kernel[..., 2] = kernel[..., 1]
        network.get_layer(name).set_weights([kernel, bias])
    for name in ("one", "other"):
        layer = network.get_layer(name)
        kernel, bias = layer.get_weights()
        kernel[..., 2, :] = 0.5 * kernel[..., 1, :]
        layer.set_weights([kernel, bias])
    kernel, bias = network.get_layer("classifier").get_weights()
    kernel[4 + 2], kernel[4 + 3 + 2] = 0.5 * kernel[4 + 1], 0.5 * kernel[4 + 3 + 1]
    network.get_layer("classifier").set_weights([kernel, bias])
    grouped = find_groups(network)
    groups = selected_groups(grouped, {"shared", "second"})
    candidates = Candidates(network, grouped, groups, batches, seed=1)
    found = reconstructions(candidates)
    assert [each.layer for each in found] == ["one", "other", "classifier", "classifier"]
    kept = np.ones(grouped.unit_count, bool)
    for name in ("shared", "second"):
        kept[grouped.unit_of[grouped.flow.made[name][2]]] = False
    narrow = without_channels(network, grouped.flow, grouped.kept_channels(kept))
    rescale(narrow, found, kept)
    for images, _ in batches():
        np.testing.assert_allclose(narrow(images), network(images), atol=1e-4)
    (stream,) = (group for group in groups if group.layers == ("shared",))
    relative = np.sum([each.products / each.whole for each in found if each.units[0] == stream.units[0]], axis=0)
    scores = error_scores(found, grouped.unit_count)[stream.units]
    assert scores.max() == pytest.approx(1)
    assert scores.min() == pytest.approx(relative.diagonal().min() / 3)


def test_channels_that_a_layer_reads_in_several_calls_are_refused() -> None:
    """The message names the layer."""
    pixels = keras.Input((7, 7, 3), name="pixels")
    flow = layers.Conv2D(5, 3, name="first")(pixels)
    again = layers.Conv2D(4, 3, name="again")
    network = keras.Model(pixels, layers.Add()([again(flow), again(layers.ReLU()(flow))]))
    grouped = find_groups(network)
    candidates = Candidates(network, grouped, selected_groups(grouped, {"first"}), batches, seed=1)
    with pytest.raises(InvalidInputError, match="channels of first, which 'again' reads, which is called several"):
        reconstructions(candidates)
