"""Blocks of a network, and rounding that preserves the output of a block."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from edgepress_common.spec.calibration import CalibrationSettings
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import copy_of, rebuild
from edgepress_worker.quantization.blocks import blocks_of
from edgepress_worker.quantization.folding import folded
from edgepress_worker.quantization.post_training import PostTraining
from edgepress_worker.quantization.weight_grids import WeightGrid
from fakes.preactivation_network import preactivation_network

layers = keras.layers
IMAGES = np.random.default_rng(4).normal(0.5, 1, (64, 4, 4, 3)).astype(np.float32)


def names(network: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    """Source, end and kernels of each block."""
    return [(each.source, each.end, tuple(layer.name for layer in each.kernels)) for each in blocks_of(network)]


def inverted(tensor: Any, name: str, *, strides: int = 1) -> Any:
    """An inverted residual without its addition, with the padding of MobileNetV2."""
    made = layers.ReLU(6.0, name=f"{name}_expand_relu")(layers.Conv2D(6, 1, name=f"{name}_expand")(tensor))
    if strides == 2:
        made = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_pad")(made)
    padding = "same" if strides == 1 else "valid"
    made = layers.DepthwiseConv2D(3, strides, padding=padding, name=f"{name}_depthwise")(made)
    return layers.Conv2D(4, 1, name=f"{name}_project")(layers.ReLU(6.0, name=f"{name}_relu")(made))


def test_inverted_residuals_are_blocks() -> None:
    """With and without an addition; the pooling belongs to the classifier, and the softmax to no block."""
    image = keras.Input((8, 8, 3), name="image")
    stem = layers.ReLU(6.0, name="stem_relu")(layers.Conv2D(4, 3, padding="same", name="stem")(image))
    first = inverted(stem, "first", strides=2)
    second = layers.Add(name="second_add")([inverted(first, "second"), first])
    last = layers.ReLU(6.0, name="last_relu")(layers.Conv2D(8, 1, name="last")(second))
    dense = layers.Dense(2, name="classifier")(layers.GlobalAveragePooling2D(name="pool")(last))
    network = keras.Model(image, layers.Softmax(name="probabilities")(dense))
    assert names(network) == [
        ("image", "stem_relu", ("stem",)),
        ("stem_relu", "first_project", ("first_expand", "first_depthwise", "first_project")),
        ("first_project", "second_add", ("second_expand", "second_depthwise", "second_project")),
        ("second_add", "last_relu", ("last",)),
        ("last_relu", "classifier", ("classifier",)),
    ]


def test_residual_units_are_blocks() -> None:
    """The normalization behind a unit begins the next block; every kernel is in one block."""
    network = folded(preactivation_network())
    found = names(network)
    assert [{*kernels} for _, _, kernels in found if len(kernels) > 1] == [{"unit1_sc", "unit1_conv1", "unit1_conv2"}]
    assert sum(len(kernels) for _, _, kernels in found) == 5


def test_a_chain_of_depthwise_convolutions_is_cut() -> None:
    """Each depthwise convolution shares a block with the convolution that reads it."""
    image = keras.Input((8, 8, 3), name="image")
    made = layers.Conv2D(4, 1, name="stem")(image)
    for number in (1, 2):
        made = layers.DepthwiseConv2D(3, name=f"depthwise{number}")(made)
        made = layers.ReLU(name=f"relu{number}")(layers.Conv2D(4, 1, name=f"pointwise{number}")(made))
    assert names(keras.Model(image, made)) == [
        ("image", "relu1", ("stem", "depthwise1", "pointwise1")),
        ("relu1", "relu2", ("depthwise2", "pointwise2")),
    ]


def unit() -> Any:
    """A residual unit with six weights."""
    random = np.random.default_rng(4)
    image = keras.Input((4, 4, 3))
    made = layers.ReLU(name="relu")(layers.Conv2D(1, 1, name="one")(image))
    network = keras.Model(image, layers.Add(name="sum")([layers.Conv2D(3, 1, name="two")(made), image]))
    for name in ("one", "two"):
        kernel, bias = network.get_layer(name).get_weights()
        network.get_layer(name).set_weights([random.normal(0, 1, kernel.shape), bias + (name == "one") / 2])
    return network


@pytest.mark.slow
@pytest.mark.parametrize("ranges", ["min_max", "mse"])
def test_a_block_is_rounded_as_the_best_of_all_ways(ranges: Any) -> None:
    """There are 64 ways to round six weights of two layers; layer by layer, AdaRound does not find the best one."""
    reference = unit()
    settings = CalibrationSettings(ranges=ranges, rounding="adaround", rounding_scope="block", rounding_steps=400)
    grid = _OneScale()
    quantization = PostTraining(settings, lambda _: grid, lambda: iter([IMAGES]), seed=1)
    by_layer = replace(quantization, settings=settings.model_copy(update={"rounding_scope": "layer"}))
    wanted = reference(IMAGES).numpy()
    made = quantization.with_found_ranges(reference) if ranges == "mse" else rebuild(reference, replace=copy_of)

    def error() -> float:
        return float(((made(IMAGES).numpy() - wanted) ** 2).sum())

    tried = []
    below = {name: np.floor(reference.get_layer(name).get_weights()[0] / grid.scale) for name in ("one", "two")}
    for ups in itertools.product((0, 1), repeat=6):
        for name, part in (("one", ups[:3]), ("two", ups[3:])):
            codes = below[name] + np.reshape(part, below[name].shape)
            made.get_layer(name).set_weights([codes * grid.scale, made.get_layer(name).get_weights()[1]])
        tried.append(error())
    errors = []
    for each in (quantization, by_layer):
        for name in ("one", "two"):
            made.get_layer(name).set_weights(reference.get_layer(name).get_weights())
        each.round_layers(reference, made)
        codes = [made.get_layer(name).get_weights()[0].reshape(-1) / grid.scale for name in ("one", "two")]
        np.testing.assert_allclose(np.concatenate(codes), np.rint(np.concatenate(codes)), atol=1e-5)
        errors.append(error())
    assert errors[0] <= 1.001 * min(tried) < errors[1] < 0.5 * float(np.median(tried))


class _OneScale(WeightGrid):
    """Codes up to 7 with a scale so large that rounding matters."""

    scale = np.float32(0.6)

    def scales(self, kernel: Any, within_channel_axes: Any) -> Any:  # noqa: ARG002 - those of a grid
        return np.full((1,) * kernel.ndim, self.scale)


def test_a_scope_needs_adaround() -> None:
    """Rounding to the nearest code has no output to preserve."""
    with pytest.raises(ValidationError, match="accepted: rounding: adaround, or rounding_scope: layer"):
        CalibrationSettings(rounding_scope="block")
