"""Layers' weights found in files by their values, for any names that the converter assigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.promises import LayerPromise
from edgepress_common.spec.exports import EXPORTS, ExportKind
from edgepress_worker.compression.kernels import kernel_values
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.exporter import ExportMaterial
from edgepress_worker.exports.normalization import normalized_layers
from edgepress_worker.exports.promises import check_layers
from edgepress_worker.exports.registry import EXPORTERS
from edgepress_worker.keras_environment import keras
from edgepress_worker.pack import LabelledImages
from edgepress_worker.quantization.with_ranges import with_ranges
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.matching import match_layers
from fakes.small_network import CLASSES, SIDE, small_pack
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

_layers = keras.layers
_VALUES = np.array([-0.31, -0.12, 0, 0, 0.17, 0.4], np.float32)


def _squeeze_and_excite() -> Any:
    """A network with two blocks of dense layers on (1, 1, channels), each weight one of few values."""
    image = flow = keras.Input((SIDE, SIDE, 3))
    for block in ("first", "second"):
        flow = _layers.Conv2D(16, 3, use_bias=False, padding="same", name=f"{block}_conv")(flow)
        flow = _layers.ReLU(name=f"{block}_relu")(_layers.BatchNormalization(name=f"{block}_norm")(flow))
        squeezed = _layers.GlobalAveragePooling2D(keepdims=True, name=f"{block}_mean")(flow)
        squeezed = _layers.Dense(8, activation="relu", name=f"{block}_squeeze")(squeezed)
        scale = _layers.Dense(16, activation="sigmoid", name=f"{block}_excite")(squeezed)
        flow = _layers.Multiply(name=f"{block}_scaled")([flow, scale])
    flow = _layers.Dense(len(CLASSES), name="classifier")(_layers.GlobalAveragePooling2D(name="pooled")(flow))
    network = keras.Model(image, _layers.Softmax(name="probabilities")(flow), name="squeezing")
    random = np.random.default_rng(2)
    for layer in network.layers:
        if isinstance(layer, _layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
        elif layer.get_weights():
            layer.set_weights(
                [random.choice(_VALUES, each.shape) if each.ndim > 1 else each for each in layer.get_weights()]
            )
    return network


def _file(network: Any, kind: ExportKind, promises: tuple[LayerPromise, ...], folder: Path) -> tuple[TfliteFile, Any]:
    context = PlainContext(folder)
    images = LabelledImages(small_pack().train.images[:4], np.arange(4))
    material = ExportMaterial(network, SIDE, promises, Calibration(images, 1, context), images, context)
    written = EXPORTERS[kind](EXPORTS[kind].parameters(kind=kind), material)
    return TfliteFile.parse(written.content), written.network


@pytest.mark.parametrize("ranged", [False, True], ids=["plain", "quantization-aware"])
@pytest.mark.parametrize(
    "kind",
    ["float32", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("float16", "dynamic", "int16x8")), "int8"],
)
def test_every_layer_of_a_squeeze_and_excite_network_is_found(
    kind: ExportKind, *, ranged: bool, tmp_path: Path
) -> None:
    """With its zeros and its few values, though the converter calls a dense layer dense/Tensordot."""
    network = _squeeze_and_excite()
    promises = tuple(
        LayerPromise(layer=layer, clusters=6, grid="layer" if ranged else None, sparsity=0.1)
        for layer in kernel_values(network)
    )
    if ranged:
        network = with_ranges(network, momentum=0.5)
        network(small_pack(8).train.images.astype(np.float32), training=True)

    file, written = _file(network, kind, promises, tmp_path)

    kept = check_layers(promises, file, kind, normalized_layers(written), kernels=kernel_values(written))
    by_kind = {each.kind: each for each in kept}
    assert by_kind["sparsity"].layers == by_kind["unique_weights_per_channel"].layers == 7
    assert by_kind["unique_weights_per_channel"].found <= 6
    if ranged and kind == "int8":
        assert by_kind["unique_weights"].layers == 7
    found = match_layers(kernel_values(written), file.weights, file.model)
    assert len({weights.tensor for weights in found.values()}) == 7


def test_layers_with_each_others_names_are_told_apart(tmp_path: Path) -> None:
    """Content decides, not names: kernels that have changed places are found where they are."""
    network = _squeeze_and_excite()
    file, written = _file(network, "float32", (), tmp_path)
    kernels = kernel_values(written)
    kernels["first_squeeze"], kernels["second_squeeze"] = kernels["second_squeeze"], kernels["first_squeeze"]

    swapped = match_layers(kernels, file.weights, file.model)
    straight = match_layers(kernel_values(written), file.weights, file.model)

    assert swapped["first_squeeze"].tensor == straight["second_squeeze"].tensor
    assert swapped["second_squeeze"].tensor == straight["first_squeeze"].tensor
