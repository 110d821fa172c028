"""The work of a network's operators, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgepress_common.results import OperatorWork
from edgepress_common.spec import Model
from edgepress_worker.keras_cost import layer_costs, macs, weights
from edgepress_worker.keras_environment import keras
from edgepress_worker.networks import build_network
from edgepress_worker.operator_work import operator_work

layers = keras.layers


def test_each_kind_is_counted_by_hand() -> None:
    """Normalizations and ReLU after a convolution, and padding before one, are part of it."""
    pixels = keras.Input((8, 8, 3))
    padded = layers.ZeroPadding2D(1)(pixels)
    wide = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, use_bias=False)(padded)))
    depthwise = layers.Activation("relu")(layers.DepthwiseConv2D(3, strides=2, padding="same")(wide))
    narrow = layers.Conv2D(6, 1)(depthwise)
    pooled = layers.GlobalAveragePooling2D()(narrow)
    network = keras.Model(pixels, layers.Activation("softmax")(layers.Dense(2)(pooled)))
    assert operator_work(network) == (
        OperatorWork(
            kind="convolution", calls=1, macs=64 * 108, weights=108, weight_traffic=1122, values=10 * 10 * 3 + 64 * 4
        ),
        OperatorWork(kind="dense", calls=1, macs=12, weights=12, weight_traffic=42, values=6 + 2),
        OperatorWork(kind="depthwise", calls=1, macs=16 * 36, weights=36, weight_traffic=216, values=64 * 4 + 16 * 4),
        OperatorWork(kind="elementwise", calls=1, macs=0, weights=0, values=2 + 2),
        OperatorWork(kind="pointwise", calls=1, macs=16 * 24, weights=24, weight_traffic=118, values=16 * 4 + 16 * 6),
        OperatorWork(kind="pooling", calls=1, macs=0, weights=0, values=16 * 6 + 6),
    )


def test_what_is_not_part_of_another_operator_counts_alone() -> None:
    """A normalization of what two layers use is a multiplication and an addition; ReLU is part of the addition."""
    pixels = keras.Input((4, 4, 2))
    made = layers.Conv2D(2, 1)(pixels)
    normalized = layers.ReLU()(layers.BatchNormalization()(made))
    added = layers.Add()([made, normalized])
    network = keras.Model(pixels, layers.Activation("swish")(added))
    (elementwise, pointwise) = operator_work(network)
    assert (elementwise.calls, elementwise.values) == (2 + 1 + 1, 2 * 64 + 96 + 64)
    assert pointwise.calls == 1


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_the_macs_are_those_of_the_network(architecture: str) -> None:
    """All layers with a kernel are counted."""
    network = build_network(
        Model.model_validate({"architecture": architecture}), image_size=32, classes=8, downloads=Path()
    )
    work, costs = operator_work(network), layer_costs(network)
    assert sum(each.macs for each in work) == macs(costs)
    assert sum(each.weights for each in work) == weights(costs)
