"""Channels that can only be removed together, the reasons, and what layers cost without some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.architectures import ARCHITECTURES
from edgepress_common.errors import InvalidInputError
from edgepress_common.spec.model import Model
from edgepress_worker.channels.cost import PrunedCost
from edgepress_worker.channels.groups import find_groups, selected_groups
from edgepress_worker.channels.surgery import without_channels
from edgepress_worker.keras_cost import layer_costs, macs, weights
from edgepress_worker.keras_environment import keras
from edgepress_worker.networks import build_network
from fakes.channel_networks import random_network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

layers = keras.layers


def found(flow: Any, pixels: Any) -> dict[str, tuple[int, Sequence[str], Sequence[str]]]:
    """The groups of a network: number of units, ties and reasons why they are fixed, by their layers' names."""
    grouped = find_groups(keras.Model(pixels, flow))
    return {str(group): (len(group), group.ties, group.fixed) for group in grouped.groups}


@pytest.fixture
def pixels() -> Any:
    keras.backend.clear_session()
    return keras.Input((8, 8, 3), name="pixels")


@pytest.fixture
def head() -> Any:
    def applied(flow: Any) -> Any:
        return layers.Dense(2, name="end")(layers.GlobalAveragePooling2D()(flow))

    return applied


def test_addition_ties_and_the_inside_of_a_residual_block_is_free(pixels: Any, head: Any) -> None:
    """The stream of a pre-activation block is one group, with the reason; its inner convolution is another."""
    stream = layers.Conv2D(8, 3, name="entry")(pixels)
    flow = layers.Conv2D(6, 3, padding="same", name="inner")(layers.ReLU()(layers.BatchNormalization()(stream)))
    flow = layers.Conv2D(8, 3, padding="same", name="outer")(flow)
    groups = found(head(layers.Add(name="sum")([stream, flow])), pixels)
    assert groups["entry, outer"] == (8, ("'sum' adds them channel by channel",), ())
    assert groups["inner"] == (6, (), ())
    assert groups["end"][2] == ("they are the network's output",)
    assert groups["pixels"][2] == ("they are the network's input",)


def test_gate_is_tied_to_what_it_multiplies(pixels: Any, head: Any) -> None:
    """Squeeze-and-excite: the gate's last layer and the gated channels; the squeezed channels are free."""
    flow = layers.Conv2D(8, 3, name="features")(pixels)
    gate = layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D()(flow))
    gate = layers.Conv2D(8, 1, activation="sigmoid", name="excite")(layers.Conv2D(2, 1, name="squeeze")(gate))
    groups = found(head(layers.Multiply(name="gated")([flow, gate])), pixels)
    assert groups["features, excite"] == (8, ("'gated' multiplies them channel by channel",), ())
    assert groups["squeeze"] == (2, (), ())


def test_concatenation_keeps_channels_apart_and_flattening_expands_them(pixels: Any) -> None:
    """Concatenated layers lose channels independently; each flattened channel stands for all its places."""
    joined = layers.Concatenate()([layers.Conv2D(4, 3, name="one")(pixels), layers.Conv2D(3, 3, name="other")(pixels)])
    network = keras.Model(pixels, layers.Dense(2, name="end")(layers.Flatten()(joined)))
    grouped = find_groups(network)
    assert [str(group) for group in grouped.groups if not group.fixed] == ["one", "other"]
    kept = np.ones(grouped.flow.count, bool)
    kept[grouped.flow.made["other"][1]] = False
    narrow = without_channels(network, grouped.flow, kept)
    assert narrow.get_layer("end").kernel.shape == (36 * 6, 2)


def test_depthwise_convolution_passes_its_channels_on(pixels: Any, head: Any) -> None:
    """Its filters go with the channels that they are applied to."""
    flow = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(layers.Conv2D(4, 3, name="before")(pixels))
    groups = found(head(layers.Conv2D(5, 1, name="after")(flow)), pixels)
    assert groups.keys() == {"pixels", "before", "after", "end"}


def test_layer_that_is_called_twice_ties_what_it_is_called_on(pixels: Any, head: Any) -> None:
    """It has one kernel for both inputs."""
    shared = layers.Conv2D(5, 3, name="shared")
    one, other = (shared(layers.Conv2D(4, 3, name=name)(pixels)) for name in ("one", "other"))
    groups = found(head(layers.Maximum()([one, other])), pixels)
    (tied,) = groups.keys() & {"one, other", "other, one"}
    assert groups[tied] == (4, ("'shared' is called on both with the same weights",), ())
    assert groups["shared"][0] == 5


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (lambda: layers.Conv2D(4, 3, groups=2, name="grouped"), "'grouped' is a grouped convolution"),
        (lambda: layers.Reshape((36, 2, 2), name="mixing"), "'mixing' mixes them with places"),
        (
            lambda: layers.Softmax(name="over"),
            "'over' is a softmax, whose every output depends on all of them",
        ),
    ],
)
def test_fixed_channels_have_a_reason(layer: Any, reason: str, pixels: Any) -> None:
    """Channels that a layer mixes, or that it needs all of, can't be removed."""
    flow = layer()(layers.Conv2D(4, 3, name="before")(pixels))
    assert found(layers.Dense(2)(layers.Flatten()(flow)), pixels)["before"][2] == (reason,)


def test_layer_that_cannot_be_followed_is_refused(pixels: Any, head: Any) -> None:
    """The message names the layer, its kind, and what is accepted."""
    with pytest.raises(InvalidInputError, match=r"layer 'up' is a Conv2DTranspose, .* can't follow; accepted: the lay"):
        found(head(layers.Conv2DTranspose(4, 3, name="up")(pixels)), pixels)


def test_selection_that_leaves_no_group_is_refused_with_the_reasons(pixels: Any, head: Any) -> None:
    """A layer that is tied to a layer outside of the selection can't lose channels; nor can the classifier."""
    stream = layers.Conv2D(8, 3, padding="same", name="entry")(pixels)
    flow = layers.Conv2D(8, 3, padding="same", name="outer")(stream)
    network = keras.Model(pixels, head(layers.Add(name="sum")([stream, flow])))
    grouped = find_groups(network)
    assert [str(group) for group in selected_groups(grouped, {"entry", "outer"})] == ["entry, outer"]
    with pytest.raises(InvalidInputError) as refused:
        selected_groups(grouped, {"entry", "end"})
    assert "entry can't lose channels without outer, as 'sum' adds them channel by channel" in str(refused.value)
    assert "the channels of end are fixed, as they are the network's output" in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_cost_without_channels_is_that_of_the_network_without_them(seed: int) -> None:
    """The cost that is computed from the masks is counted again in the network that is built."""
    network = random_network(seed)
    grouped = find_groups(network)
    kept = np.ones(grouped.unit_count, bool)
    for group in grouped.groups:
        if not group.fixed:
            kept[group.units[:2]] = False
    mask = grouped.kept_channels(kept)
    expected = layer_costs(without_channels(network, grouped.flow, mask))
    assert PrunedCost(grouped.flow).layers(mask) == expected
    before = layer_costs(network)
    assert macs(expected) < macs(before)
    assert weights(before) == sum(
        int(np.prod(layer.weights[0].shape))
        for layer in network.layers
        if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.Dense)
    )


@pytest.mark.slow
def test_preactivation_resnet_has_a_stream_for_each_stage(tmp_path: Path) -> None:
    """ResNet18: four residual streams, the inner width of each of eight units, the entry and the classifier."""
    network = build_network(Model(architecture="resnet18"), image_size=32, classes=5, downloads=tmp_path)
    groups = [group for group in find_groups(network).groups if not group.fixed]
    inner = [group for group in groups if len(group.layers) == 1]
    assert [group.layers[0] for group in inner if "unit" in group.layers[0]] == [
        f"stage{stage}_unit{unit}_conv1" for stage in range(1, 5) for unit in (1, 2)
    ]
    streams = [group.layers for group in groups if len(group.layers) > 1]
    assert [names[0].split("_")[0] for names in streams] == ["stage1", "stage2", "stage3", "stage4"]
    assert ARCHITECTURES["resnet18"].parameters == network.count_params() - 512 * 5 - 5
