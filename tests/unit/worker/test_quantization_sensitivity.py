"""Costs of int8 in each layer, and files that keep layers in float."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.errors import BrokenPromiseError, InvalidInputError
from edgepress_common.promises import KeptPromise
from edgepress_common.steps import ExportStep
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.exports.checks import check_promise
from edgepress_worker.exports.exporter import FilePromise
from edgepress_worker.keras_environment import keras
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.tflite.float_operators import float_operators
from edgepress_worker.tflite.inference import infer
from edgepress_worker.tflite.model import TfliteModel, read_tflite
from fakes.preactivation_network import CLASSES, coloured_pack
from fakes.small_network import chain, saved
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_common.results import ExportResult

LAYERS = ("first", "second", "third", "classifier")


def network_with_a_bad_layer() -> Any:
    """One weight of a channel of ``second`` is a thousand times larger than the others, and reads zeros only."""
    random = np.random.default_rng(3)
    kernels = {
        name: random.normal(0, 0.3, shape).astype(np.float32)
        for name, shape in {"first": (3, 3, 3, 8), "second": (3, 3, 8, 12), "third": (1, 1, 12, 8)}.items()
    }
    kernels["first"][..., 0] = -np.abs(kernels["first"][..., 0])  # negative for all images, so zero after its ReLU
    kernels["second"][1, 1, 0] = 300
    network = chain(kernels)
    classifier = network.get_layer("classifier")
    images = coloured_pack(24).train.images.astype(np.float32)
    logits = keras.Model(network.input, classifier.output)(images).numpy()
    kernel, bias = classifier.get_weights()
    classifier.set_weights([kernel / logits.std(axis=0), bias - (logits / logits.std(axis=0)).mean(axis=0)])
    return network


@pytest.fixture(scope="module")
def network() -> Any:
    """The network with a bad layer."""
    return network_with_a_bad_layer()


def pack_for(network: Any) -> Pack:
    """Images that the network classifies correctly in float."""
    images = coloured_pack(24).train.images
    labels = network(images.astype(np.float32), training=False).numpy().argmax(axis=1)
    part = LabelledImages(images, labels.astype(np.int64))
    return Pack(CLASSES, train=part, validation=part)


def exported(network: Any, folder: Path, **parameters: Any) -> tuple[TfliteModel, ExportResult, Path]:
    """The int8 file with these parameters."""
    context = PlainContext(folder)
    step = ExportStep.model_validate({"export": {"kind": "int8", "representative_images": 24} | parameters, "seed": 1})
    outputs, result = run_export(step, pack_for(network), StoredNetwork(saved(network, folder)), context)
    path = context.store.local_path(outputs["tflite"].sha256)
    return read_tflite(path), result, path


def layers_in_float(model: TfliteModel) -> set[str]:
    """The layers whose operators compute on floats."""
    names = [model.tensors[each.outputs[0]].name for each in float_operators(model) if "QUANTIZE" not in each.name]
    return {layer for layer in LAYERS if any(f"/{layer}" in name for name in names)}


@pytest.mark.slow
def test_the_layer_to_blame_is_found_and_kept_in_float(network: Any, tmp_path: Path) -> None:
    """It has the lowest ratio, and with it in float the file is right again; the promise is verified in the file."""
    plain, result, path = exported(network, tmp_path / "plain", sensitivity=True)
    measured = result.sensitivity
    assert measured is not None
    assert not float_operators(plain)
    assert {each.layer for each in measured.layers} == set(LAYERS)
    assert measured.layers[0].layer == "second"
    assert measured.layers[0].signal_to_noise_db < measured.layers[1].signal_to_noise_db - 10
    assert measured.float_accuracy == 1
    assert measured.int8_accuracy == pytest.approx(_accuracy(network, path), abs=0.09)  # two of 24 images
    assert measured.int8_accuracy < 0.8 < measured.layers[0].accuracy

    model, better, path = exported(network, tmp_path / "better", keep_float=1)
    assert layers_in_float(model) == {"second"}
    assert better.sensitivity is not None
    assert better.sensitivity.kept_float == ("second",)
    assert KeptPromise(kind="float_layers", promised=1, found=1) in better.promises
    assert better.float_operators["CONV_2D"] == 1
    assert _accuracy(network, path) == pytest.approx(measured.layers[0].accuracy, abs=0.09)


def _accuracy(network: Any, path: Path) -> float:
    part = pack_for(network).validation
    found = [infer(path, image).output.argmax() for image in part.images]
    return float(np.mean(np.array(found) == part.labels))


@pytest.mark.parametrize(
    ("patterns", "kept"), [(["first", "name:th*"], {"first", "third"}), (["kind:dense"], {"classifier"})]
)
def test_layers_are_kept_by_pattern(network: Any, patterns: list[str], kept: set[str], tmp_path: Path) -> None:
    """Exactly those compute on floats; nothing is measured if that was not asked for."""
    model, result, _ = exported(network, tmp_path, keep_float=patterns, weight_scales="layer")
    assert layers_in_float(model) == kept
    assert result.sensitivity is None
    assert {each.kind for each in result.promises} == {"float_layers", "weight_scales", "classes"}


def test_a_pattern_without_a_layer_is_refused(network: Any, tmp_path: Path) -> None:
    """The message has the names that there are."""
    with pytest.raises(InvalidInputError, match=r"name:fourth.*first, second, third, classifier"):
        exported(network, tmp_path, keep_float=["name:fourth"])


def test_another_layer_in_float_breaks_the_promise(network: Any, tmp_path: Path) -> None:
    """A file with one more or one less is refused."""
    model, _, _ = exported(network, tmp_path, keep_float=["name:third"])
    (third,) = [each for each in float_operators(model) if each.name == "CONV_2D"]
    name = model.tensors[third.outputs[0]].name
    check_promise(FilePromise("int8", "int8", float_layers=(name,)), model)
    for wrong in (("another",), (name, "another")):
        with pytest.raises(BrokenPromiseError, match="where exactly"):
            check_promise(FilePromise("int8", "int8", float_layers=wrong), model)
