"""Arithmetic and weights of a .tflite file, compared with a count in the Keras model that it was made from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepress_common.architectures import ArchitectureName
from edgepress_common.spec.exports import ExportKind
from edgepress_common.spec.model import Model
from edgepress_worker.exports.converter import convert, make_converter
from edgepress_worker.keras_cost import shape_of
from edgepress_worker.keras_environment import keras
from edgepress_worker.networks import build_network
from edgepress_worker.tflite.cost import count_macs, count_weights, operator_costs
from edgepress_worker.tflite.model import parse_tflite, read_tflite
from fakes.small_network import SIDE, small_network, written

LAYERS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Conv2DTranspose, keras.layers.Dense)


def counted(network: Any) -> tuple[int, int]:
    """Return the MACs and the weights, from the shapes that Keras states."""
    macs = weights = 0
    for layer in network.layers:
        if isinstance(layer, LAYERS):
            kernel = int(np.prod(layer.weights[0].shape))
            spread = layer.input_shape if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output_shape
            macs += kernel * int(np.prod(spread[1:-1]))
            weights += kernel
    return macs, weights


def network_of(*layers: Any, side: int = SIDE) -> Any:
    """Return the chain of layers, applied to an image."""
    image = flow = keras.Input((side, side, 3), name="pixels")
    for layer in layers:
        flow = layer(flow)
    return keras.Model(image, flow)


def converted(network: Any, folder: Path, side: int = SIDE) -> tuple[int, int]:
    """Return the MACs and the weights of the network's float32 file."""
    model = parse_tflite(convert(make_converter(network, side), "test", folder))
    return count_macs(model), count_weights(model)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic", "int8"])
def test_each_kind_of_file_has_the_counts_of_the_network(kind: ExportKind, tmp_path: Path) -> None:
    """8 filters of 3x3x3, 8 depthwise of 3x3, 160 of 1x1x8 and 3 of 160, at 14x14, 12x12, 12x12 and one place."""
    model = read_tflite(written(small_network(), kind, tmp_path))
    assert [cost.macs for cost in operator_costs(model)] == [216 * 196, 72 * 144, 1280 * 144, 480]
    assert count_weights(model) == 216 + 72 + 1280 + 480


@pytest.mark.slow
@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(8, (3, 1), strides=2, padding="same"),
        keras.layers.Conv2D(8, 3, dilation_rate=2, use_bias=False),
        keras.layers.Conv2D(6, 3, groups=3),
        keras.layers.DepthwiseConv2D(5, strides=2, depth_multiplier=2),
        keras.layers.Conv2DTranspose(8, 3, strides=2, padding="same"),
        keras.layers.Dense(4),
    ],
    ids=lambda layer: layer.name,
)
def test_each_kind_of_operator_is_counted(layer: Any, tmp_path: Path) -> None:
    """Strides, dilation, groups, several outputs of a channel, and rows of a dense layer."""
    network = network_of(layer)
    assert converted(network, tmp_path) == counted(network)
    if not isinstance(layer, keras.layers.Conv2DTranspose):  # which no network of the worker has
        assert (shape_of(network).macs, shape_of(network).weights) == counted(network)


def test_a_layer_that_is_used_twice_works_twice_with_one_set_of_weights(tmp_path: Path) -> None:
    """Its MACs are counted for each use, its weights once."""
    layer = keras.layers.Conv2D(3, 3, padding="same", activation="relu")
    network = network_of(layer, layer)
    assert converted(network, tmp_path) == (2 * 81 * SIDE**2, 81) == (shape_of(network).macs, shape_of(network).weights)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_files_of_the_catalogue_have_the_counts_of_their_networks(name: ArchitectureName, tmp_path: Path) -> None:
    """Residual connections; depthwise convolutions and squeeze-and-excite; at 64 pixels, to have places to count."""
    network = build_network(Model(architecture=name), image_size=64, classes=5, downloads=tmp_path)
    assert converted(network, tmp_path, side=64) == counted(network)
    assert (shape_of(network).macs, shape_of(network).weights) == counted(network)
