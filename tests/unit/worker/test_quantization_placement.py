"""Positions where int8 rounds activations, and networks with ranges inserted and removed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_worker.keras_environment import keras
from edgepress_worker.quantization.activation_range import ActivationRange, moved
from edgepress_worker.quantization.placement import rounded_layers
from edgepress_worker.quantization.with_ranges import has_ranges, with_ranges, without_ranges
from edgepress_worker.tflite.inference import infer
from edgepress_worker.tflite.model import read_tflite
from fakes.preactivation_network import preactivation_network
from fakes.small_network import SIDE, small_pack, written

if TYPE_CHECKING:
    from pathlib import Path

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
        "add",  # only bn1 reads it; but an addition and a normalization are two operators
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


@pytest.mark.parametrize("idle", [layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise])
def test_idle_layers_are_looked_through(idle: Any) -> None:
    """The converter drops them and joins what is around them, so the convolution's output is never seen."""
    image = keras.Input((8, 8, 3))
    flow = idle(0.1, name="idle")(layers.Conv2D(4, 3, name="convolution")(image))
    flow = layers.ReLU(name="relu")(idle(0.1)(layers.BatchNormalization(name="normalization")(flow)))
    network = keras.Model(image, layers.Dense(2, name="dense")(layers.Flatten()(idle(0.1)(flow))))
    assert rounded_layers(network) == {"relu", "dense"}


def test_what_two_layers_take_is_rounded_for_both() -> None:
    """Neither can be joined with it."""
    image = keras.Input((8, 8, 3))
    flow = layers.Conv2D(4, 3, name="convolution")(image)
    network = keras.Model(image, layers.Add()([layers.ReLU()(flow), layers.ReLU()(flow)]))
    assert "convolution" in rounded_layers(network)


def _gated(flow: Any) -> Any:
    gate = layers.Conv2D(8, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(flow))
    return layers.Multiply()([flow, gate])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (lambda: layers.Rescaling(1 / 255), layers.ReLU),
        (lambda: layers.Rescaling(1 / 127.5, -1), layers.ReLU),
        (lambda: layers.Rescaling([1 / 255, 1 / 128, 1 / 64]), layers.ReLU),
        (layers.Identity, lambda: layers.Activation("sigmoid")),
        (layers.Identity, lambda: layers.Activation("tanh")),
        (layers.Identity, lambda: layers.Activation("swish")),
        (layers.Identity, layers.LeakyReLU),
        (layers.Identity, lambda: _gated),
    ],
)
def test_training_with_ranges_adds_no_operator(before: Any, behind: Any, tmp_path: Path) -> None:
    """The int8 file has the operators that it has without them, and computes what the network in training does."""
    image = keras.Input((SIDE, SIDE, 3))
    flow = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(before()(image)))
    flow = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3)(behind()(flow)))
    network = keras.Model(image, layers.Softmax()(layers.Dense(3)(flow)))
    trained = with_ranges(network, 0.9)
    images = small_pack(32).train.images
    trained(images.astype(np.float32), training=True)
    plain, file = written(network, "int8", tmp_path), written(trained, "int8", tmp_path / "trained")
    found = np.concatenate([infer(file, pixels).output for pixels in images])
    np.testing.assert_allclose(found, trained(images.astype(np.float32)), atol=0.02)
    assert Counter(read_tflite(file).operator_counts()) - Counter(read_tflite(plain).operator_counts()) == {}


def test_ranges_come_and_go() -> None:
    """Without the ranges the network is the original one."""
    network = preactivation_network()
    ranged = with_ranges(network, momentum=0.9)
    assert len(ranges(ranged)) == len(rounded_layers(network))
    assert not has_ranges(network)
    stripped = without_ranges(ranged)
    assert [layer.name for layer in stripped.layers] == [layer.name for layer in network.layers]
    for before, after in zip(network.get_weights(), stripped.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_range_follows_its_batches() -> None:
    """It starts with the first batch, as a moving average; it always includes zero."""
    image = keras.Input((2,))
    layer = ActivationRange(momentum=0.75)
    model = keras.Model(image, layer(image))
    model(np.array([[-1.0, 4.0]], np.float32), training=True)
    assert [weight.item() for weight in layer.get_weights()] == [-1, 4]
    model(np.array([[1.0, 8.0]], np.float32), training=True)
    assert [weight.item() for weight in layer.get_weights()] == [-0.75, 5]
    model(np.array([[-9.0, 9.0]], np.float32), training=False)
    assert [weight.item() for weight in layer.get_weights()] == [-0.75, 5]


def test_all_ranges_share_one_trace() -> None:
    """A network has one after each layer: tracing each for itself took seconds of every stage."""
    for shape in ((2,), (4, 4, 3), (5,)):
        image = keras.Input(shape)
        model = keras.Model(image, ActivationRange()(image))
        model(np.ones((7, *shape), np.float32), training=True)
    assert moved.experimental_get_tracing_count() == 1


def test_values_are_rounded_to_256_levels() -> None:
    """Values outside the range are clipped."""
    image = keras.Input((3,))
    layer = ActivationRange()
    model = keras.Model(image, layer(image))
    layer.set_weights([0.0, 255.0])
    assert np.asarray(model(np.array([[-7.0, 3.4, 300.0]], np.float32))).tolist() == [[0, 3, 255]]
