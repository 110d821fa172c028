"""Where int8 rounds activations, and networks with ranges put in and taken out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgepress_worker.keras_environment import keras
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.quantization.placement import rounded_layers
from edgepress_worker.quantization.with_ranges import has_ranges, with_ranges, without_ranges
from fakes.preactivation_network import preactivation_network

layers = keras.layers


def ranges(network: Any) -> list[ActivationRange]:
    return [layer for layer in network.layers if isinstance(layer, ActivationRange)]


def test_only_what_an_operator_gives_is_rounded() -> None:
    """A convolution with the normalization and ReLU behind it is one operator; padding and pooling choose values."""
    assert rounded_layers(preactivation_network()) == {
        "bn_data",
        "relu0",  # conv0, bn0 and it
        "unit1_relu1",  # unit1_bn1 and it
        "unit1_sc",
        "unit1_relu2",
        "unit1_conv2",
        "add",  # bn1 takes it, and so does nobody else; but an addition and a normalization are two operators
        "relu1",
        "pooled",
        "classifier",
    }


@pytest.mark.parametrize(
    ("behind", "rounded"),
    [
        (layers.ReLU, False),
        (lambda: layers.ReLU(6.0), False),
        (lambda: layers.ReLU(3.0), True),
        (lambda: layers.ReLU(negative_slope=0.1), True),
        (lambda: layers.Activation("relu"), False),
        (lambda: layers.Activation("swish"), True),
        (layers.MaxPooling2D, True),
        (layers.BatchNormalization, False),
    ],
)
def test_what_comes_before_which_layer(behind: Any, *, rounded: bool) -> None:
    """TFLite joins a convolution with ReLU and ReLU6 alone."""
    image = keras.Input((8, 8, 3))
    flow = layers.Conv2D(4, 3, name="convolution")(image)
    network = keras.Model(image, layers.Flatten()(behind()(flow)))
    assert ("convolution" in rounded_layers(network)) is rounded


def test_what_two_layers_take_is_rounded_for_both() -> None:
    """Neither can be joined with it."""
    image = keras.Input((8, 8, 3))
    flow = layers.Conv2D(4, 3, name="convolution")(image)
    network = keras.Model(image, layers.Add()([layers.ReLU()(flow), layers.ReLU()(flow)]))
    assert "convolution" in rounded_layers(network)


def test_ranges_come_and_go() -> None:
    """Without them the network is what it was."""
    network = preactivation_network()
    ranged = with_ranges(network, momentum=0.9)
    assert len(ranges(ranged)) == len(rounded_layers(network))
    assert not has_ranges(network)
    stripped = without_ranges(ranged)
    assert [layer.name for layer in stripped.layers] == [layer.name for layer in network.layers]
    for before, after in zip(network.get_weights(), stripped.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_range_follows_its_batches() -> None:
    """From the first on, with a moving average; zero is always in it."""
    image = keras.Input((2,))
    layer = ActivationRange(momentum=0.75)
    model = keras.Model(image, layer(image))
    model(np.array([[-1.0, 4.0]], np.float32), training=True)
    assert [weight.item() for weight in layer.get_weights()] == [-1, 4]
    model(np.array([[1.0, 8.0]], np.float32), training=True)
    assert [weight.item() for weight in layer.get_weights()] == [-0.75, 5]
    model(np.array([[-9.0, 9.0]], np.float32), training=False)
    assert [weight.item() for weight in layer.get_weights()] == [-0.75, 5]


def test_values_are_rounded_to_256_steps() -> None:
    """And cut off at the range's ends."""
    image = keras.Input((3,))
    layer = ActivationRange()
    model = keras.Model(image, layer(image))
    layer.set_weights([0.0, 255.0])
    assert np.asarray(model(np.array([[-7.0, 3.4, 300.0]], np.float32))).tolist() == [[0, 3, 255]]
