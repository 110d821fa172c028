"""Exported networks of the catalogue, compared with Keras on images that they can distinguish."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_common.promises import LayerPromise
from edgepress_common.results import ExportResult
from edgepress_common.spec.exports import ExportKind
from edgepress_common.spec.model import Model
from edgepress_common.steps import ExportStep
from edgepress_worker.compression.kernels import find_kernels
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import save_model
from edgepress_worker.networks import build_network
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.tflite.inference import infer
from fakes.step_context import PlainContext

pytestmark = pytest.mark.slow

_SIDE = 32
_CLASSES = ("blue", "green", "red", "untinted")
_BLUE = 2  # channel of class 0; the classes count down from it

# What every BatchNorm multiplies by. Untrained, with 1, MobileNetV2 lets a signal die away to 1e-13 of itself, which
# float32 can carry and int8 can't; with these it arrives at about a thousandth. Found by trying.
_GAINS = {"resnet18": 1.0, "mobilenet_v2": 2.75, "mobilenet_v3_small": 3.0, "efficientnet_b0": 1.2}


@dataclass(frozen=True)
class _Fitted:
    """A network that knows its images, as a file.

    Attributes:
        path: Its file.
        layers: Names of its convolutions and dense layers.
        pack: The images.
        expected: What it says of the validation images, ``(n, classes)``.
    """

    path: Path
    layers: tuple[str, ...]
    pack: Pack
    expected: npt.NDArray[np.float32]


def _tinted(count: int, seed: int) -> LabelledImages:
    """Images with one channel brighter, or none; unevenly lit, under noise."""
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % len(_CLASSES)
    rows = np.arange(_SIDE)[:, np.newaxis, np.newaxis] / _SIDE
    images = np.empty((count, _SIDE, _SIDE, 3), np.uint8)
    for image, label in zip(images, labels, strict=True):
        light = 80 + random.uniform(-20, 20) + random.uniform(-20, 20) * rows
        tint = 100 * (np.arange(3) == _BLUE - label)
        image[:] = np.clip(light + tint + random.normal(0, 8, image.shape), 0, 255)
    return LabelledImages(images, labels)


def _fit(network: Any, images: LabelledImages, gain: float) -> None:
    """Random features under a fitted classifier: as sure of its images as a trained network, in one pass.

    The classifier is the ridge regression from pooled features to logits that are 8 apart.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.gamma is not None:
            layer.gamma.assign(np.full(layer.gamma.shape, gain, np.float32))
    classifier = network.get_layer("classifier")
    features = keras.Model(network.input, classifier.input)(images.images.astype(np.float32), training=False)
    features = features.numpy().astype(np.float64)
    centred = features - features.mean(axis=0)
    products = centred @ centred.T
    logits = 8.0 * (np.eye(len(_CLASSES))[images.labels] - 1 / len(_CLASSES))
    kernel = centred.T @ np.linalg.solve(
        products + 0.01 * np.trace(products) / len(products) * np.eye(len(products)), logits
    )
    classifier.set_weights([kernel, -features.mean(axis=0) @ kernel])


@pytest.fixture(scope="module")
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> _Fitted:
    """One network after the other."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    keras.utils.set_random_seed(3)
    network = build_network(Model(architecture=name), image_size=_SIDE, classes=len(_CLASSES), downloads=folder)
    pack = Pack(_CLASSES, train=_tinted(64, seed=1), validation=_tinted(32, seed=2))
    _fit(network, pack.train, _GAINS[name])
    save_model(network, folder / "model")
    expected = network(pack.validation.images.astype(np.float32), training=False).numpy()
    assert (expected.argmax(axis=1) == pack.validation.labels).all()  # else agreeing with it would mean little
    layers = tuple(kernel.layer for kernel in find_kernels(network))
    return _Fitted(folder / "model", layers, pack, expected)


def _exported(fitted: _Fitted, kind: ExportKind, folder: Path) -> tuple[ExportResult, npt.NDArray[np.float32]]:
    """Return the result of the export, and the output of its file for the validation images.

    Something is promised of every layer, so that each must be found in the file.
    """
    context = PlainContext(folder)
    promises = tuple(LayerPromise(layer=layer, sparsity=0.0) for layer in fitted.layers)
    # Two images of each class show the range.
    images = {"representative_images": 8} if kind in {"int8", "int16x8"} else {}
    step = ExportStep.model_validate({"export": {"kind": kind, **images}, "seed": 1})
    outputs, result = run_export(step, fitted.pack, StoredNetwork(fitted.path, promises), context)
    path = context.store.local_path(outputs["tflite"].sha256)
    return result, np.concatenate([infer(path, image).output for image in fitted.pack.validation.images])


@pytest.mark.parametrize("fitted", _GAINS, indirect=True)
def test_float32_gives_what_keras_gives(fitted: _Fitted, tmp_path: Path) -> None:
    """Every probability is the same to four decimals."""
    _, found = _exported(fitted, "float32", tmp_path)
    np.testing.assert_allclose(found, fitted.expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("fitted", _GAINS, indirect=True)
def test_int8_chooses_as_keras_does_without_a_float(fitted: _Fitted, tmp_path: Path) -> None:
    """No operator computes on floats, and probabilities move by a hundredth on average at most."""
    result, found = _exported(fitted, "int8", tmp_path)
    assert result.float_operators == {}
    _assert_alike(found, fitted.expected)


@pytest.mark.parametrize("fitted", ["resnet18", "mobilenet_v3_small"], indirect=True)
def test_dynamic_chooses_as_keras_does(fitted: _Fitted, tmp_path: Path) -> None:
    """Probabilities move by a hundredth on average at most."""
    _, found = _exported(fitted, "dynamic", tmp_path)
    _assert_alike(found, fitted.expected)


@pytest.mark.parametrize("fitted", ["mobilenet_v3_small"], indirect=True)
def test_int16x8_leaves_in_float_only_what_has_no_such_form(fitted: _Fitted, tmp_path: Path) -> None:
    """MobileNetV3's HARD_SWISH stays in float, between two conversions; the file is as right as any other."""
    result, found = _exported(fitted, "int16x8", tmp_path)
    assert set(result.float_operators) == {"DEQUANTIZE", "HARD_SWISH", "QUANTIZE"}
    _assert_alike(found, fitted.expected)


@pytest.mark.parametrize("kind", ["float16", "int16x8"])
@pytest.mark.parametrize("fitted", ["resnet18", "mobilenet_v2"], indirect=True)
def test_every_layer_is_found_in_other_exports(fitted: _Fitted, kind: ExportKind, tmp_path: Path) -> None:
    """Promises of a layer can be verified, though the converter changes the layer's name."""
    result, _ = _exported(fitted, kind, tmp_path)
    (kept,) = (kept for kept in result.promises if kept.kind == "sparsity")
    assert kept.layers == len(fitted.layers)


def _assert_alike(found: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]) -> None:
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) >= 0.95
    assert np.abs(found - expected).mean() < 0.01
