"""Networks without some of their channels: what they compute, and what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.architectures import ARCHITECTURES, ArchitectureName
from edgepress_common.spec.model import Model
from edgepress_worker.channels.groups import Grouped, find_groups
from edgepress_worker.channels.silencing import silence
from edgepress_worker.channels.surgery import without_channels
from edgepress_worker.keras_environment import keras
from edgepress_worker.networks import build_network
from fakes.channel_networks import logits, random_network, randomize_normalizations

if TYPE_CHECKING:
    from pathlib import Path

layers = keras.layers


def half_kept(grouped: Grouped, seed: int = 0) -> Any:
    """A random half of each group's units, as a mask of channels."""
    random = np.random.default_rng(seed)
    kept = np.ones(grouped.unit_count, bool)
    for group in grouped.groups:
        if not group.fixed:
            kept[random.permutation(group.units)[: len(group) // 2]] = False
    return grouped.kept_channels(kept)


def check_silent_channels_can_go(network: Any, seed: int = 0) -> None:
    grouped = find_groups(network)
    kept = half_kept(grouped, seed)
    assert 0.4 < np.mean(kept) < 0.75
    silence(grouped.flow, kept)
    before = logits(network)
    narrow = without_channels(network, grouped.flow, kept)
    np.testing.assert_allclose(logits(narrow), before, rtol=0, atol=1e-5 * max(1, np.abs(before).max()))
    assert narrow.count_params() < 0.7 * network.count_params()


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 10))])
def test_channels_with_zero_weights_can_be_removed_from_random_networks(seed: int) -> None:
    """Sums, products, concatenations, depthwise convolutions, gates, shared and reshaped layers compute the same."""
    check_silent_channels_can_go(random_network(seed), seed)


CATALOGUE = [(name, 1.0) for name in ARCHITECTURES] + [
    (name, width) for name in ("resnet18", "resnet18_postactivation") for width in ARCHITECTURES[name].widths[:-1]
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "width"), CATALOGUE)
def test_channels_with_zero_weights_can_be_removed_from_the_catalogue(
    name: ArchitectureName, width: float, tmp_path: Path
) -> None:
    """Each architecture computes the same without half of its channels, if their weights are zero."""
    network = build_network(Model(architecture=name, width=width), image_size=64, classes=5, downloads=tmp_path)
    randomize_normalizations(network, np.random.default_rng(1))
    check_silent_channels_can_go(network)


def two_convolutions(width: int, inner: int) -> Any:
    """A pre-activation unit, its stream ``width`` channels wide and its inside ``inner``."""
    pixels = keras.Input((8, 8, 3), name="pixels")
    stream = layers.Conv2D(width, 3, padding="same", use_bias=False, name="conv0")(pixels)
    flow = layers.ReLU(name="relu1")(layers.BatchNormalization(name="bn1")(stream))
    flow = layers.Conv2D(inner, 3, padding="same", use_bias=False, name="conv1")(flow)
    flow = layers.ReLU(name="relu2")(layers.BatchNormalization(name="bn2")(flow))
    stream = layers.Add(name="add")([stream, layers.Conv2D(width, 3, padding="same", name="conv2")(flow)])
    flow = layers.Flatten(name="flatten")(layers.MaxPooling2D(4, name="pooling")(stream))
    return keras.Model(pixels, layers.Dense(4, name="classifier")(flow))


def test_result_is_the_network_that_is_written_with_fewer_channels() -> None:
    """The network has the layers, settings and outputs of the narrow one, whose weights are parts of the wide one's."""
    wide = two_convolutions(width=6, inner=5)
    randomize_normalizations(wide, np.random.default_rng(2))
    stream, inner = [0, 2, 5], [1, 3]
    grouped = find_groups(wide)
    kept = np.ones(grouped.flow.count, bool)
    for name, numbers in (("conv0", stream), ("conv2", stream), ("conv1", inner)):
        kept[np.delete(grouped.flow.made[name], numbers)] = False
    result = without_channels(wide, grouped.flow, kept)

    narrow = two_convolutions(width=3, inner=2)
    values = {layer.name: layer.get_weights() for layer in wide.layers}
    conv2, dense = values["conv2"], values["classifier"]
    of_flat = [place * 6 + channel for place in range(4) for channel in stream]
    for name, parts in {
        "conv0": [values["conv0"][0][..., stream]],
        "bn1": [each[stream] for each in values["bn1"]],
        "conv1": [values["conv1"][0][:, :, stream][..., inner]],
        "bn2": [each[inner] for each in values["bn2"]],
        "conv2": [conv2[0][:, :, inner][..., stream], conv2[1][stream]],
        "classifier": [dense[0][of_flat], dense[1]],
    }.items():
        narrow.get_layer(name).set_weights(parts)
    assert result.get_config()["layers"] == narrow.get_config()["layers"]
    images = np.random.default_rng(3).uniform(0, 1, (2, 8, 8, 3)).astype(np.float32)
    for layer in narrow.layers[1:]:
        ours, theirs = (keras.Model(each.input, each.get_layer(layer.name).output)(images) for each in (result, narrow))
        np.testing.assert_array_equal(ours, theirs)


def test_bias_of_a_removed_channel_is_folded_into_the_next_layer() -> None:
    """A filter of zeros has a bias, and a normalization of zero a shift: a 1x1 convolution and a dense layer add them.

    The dense layer has no bias before.
    """
    random = np.random.default_rng(5)
    pixels = keras.Input((6, 6, 3), name="pixels")
    flow = layers.ReLU()(layers.Conv2D(4, 3, name="first")(pixels))
    flow = layers.Activation("swish")(layers.BatchNormalization(name="norm")(layers.Conv2D(4, 1, name="second")(flow)))
    flow = layers.Dense(3, use_bias=False, name="classifier")(layers.GlobalAveragePooling2D()(flow))
    network = keras.Model(pixels, flow)
    randomize_normalizations(network, random)
    kernel, bias = network.get_layer("first").get_weights()
    kernel[..., 2], bias[2] = 0, 0.7
    network.get_layer("first").set_weights([kernel, bias])
    gamma, *others = network.get_layer("norm").get_weights()
    gamma[1] = 0
    network.get_layer("norm").set_weights([gamma, *others])

    grouped = find_groups(network)
    kept = np.ones(grouped.flow.count, bool)
    kept[grouped.flow.made["first"][2]] = kept[grouped.flow.made["second"][1]] = False
    narrow = without_channels(network, grouped.flow, kept)
    np.testing.assert_allclose(logits(narrow), logits(network), atol=1e-5 * np.abs(logits(network)).max())
    assert narrow.get_layer("classifier").use_bias


def test_folding_is_exact_inside_a_padded_map() -> None:
    """Zero padding makes a border to which a constant contributes less; all other places are exact."""
    pixels = keras.Input((9, 9, 3), name="pixels")
    flow = layers.ZeroPadding2D(1)(layers.Conv2D(4, 1, name="first")(pixels))
    network = keras.Model(pixels, layers.Conv2D(5, 3, name="second")(flow))
    kernel, bias = network.get_layer("first").get_weights()
    kernel[..., 0], bias[:] = 0, 1.0
    network.get_layer("first").set_weights([kernel, bias])
    grouped = find_groups(network)
    kept = np.ones(grouped.flow.count, bool)
    kept[grouped.flow.made["first"][0]] = False
    images = np.random.default_rng(3).uniform(0, 1, (2, 9, 9, 3)).astype(np.float32)
    before, after = network(images).numpy(), without_channels(network, grouped.flow, kept)(images).numpy()
    np.testing.assert_allclose(after[:, 1:-1, 1:-1], before[:, 1:-1, 1:-1], atol=1e-5)
    assert np.abs(after[:, 0] - before[:, 0]).max() > 0.01
