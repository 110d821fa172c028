"""Networks of the catalogue, exported for real and held against Keras on images they can tell apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_common.results import ExportResult
from edgepress_common.spec.exports import ExportKind
from edgepress_common.spec.model import Model
from edgepress_common.steps import ExportStep
from edgepress_worker.exports import run_export
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import save_model
from edgepress_worker.networks import build_network
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.tflite.inference import infer
from fakes.step_context import PlainContext

pytestmark = pytest.mark.slow

import os
L=float(os.environ.get("L","5"))
N=float(os.environ.get("N","4"))
_SIDE = 32
_CLASSES = ("blue", "green", "red", "untinted")
_TRAIN, _VALIDATION = 64, 32

Pixels = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]


def _tinted(count: int, seed: int) -> LabelledImages:
    """Images that lean to blue, green, red or nothing, brighter towards a corner, under noise."""
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % len(_CLASSES)
    rows, columns = np.indices((_SIDE, _SIDE))[..., np.newaxis] / _SIDE
    images = []
    for label in labels:
        light = 80 + random.uniform(-L, L) + random.uniform(-L, L) * rows
        tint = 100.0 * (np.arange(3) == 2 - label)  # channels are red, green, blue
        noise = random.normal(0, N, (_SIDE, _SIDE, 3))
        images.append(np.clip(light + tint + noise, 0, 255).astype(np.uint8))
    return LabelledImages(np.stack(images), labels)


@dataclass(frozen=True)
class _Trained:
    """A network that knows the tints, as a file, and what it says of the validation images."""

    path: Path
    pack: Pack
    expected: Probabilities


def _train_quickly(network: Any, images: LabelledImages) -> None:
    """Random features under a fitted classifier: as sure of itself as a trained network, in one pass.

    BatchNorm's statistics are taken from the images; the classifier is the ridge regression on the pooled features.
    """
    pixels = images.images.astype(np.float32)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    network(pixels, training=True)
    classifier = network.layers[-1]
    features = keras.Model(network.input, classifier.input)(pixels, training=False).numpy().astype(np.float64)
    centred = features - features.mean(axis=0)
    wanted = 8.0 * (np.eye(len(_CLASSES))[images.labels] - 1 / len(_CLASSES))
    import os
    ridge = float(os.environ.get("RIDGE","1e-2")) * np.trace(centred @ centred.T) / len(centred)
    kernel = centred.T @ np.linalg.solve(centred @ centred.T + ridge * np.eye(len(centred)), wanted)
    classifier.set_weights([kernel, -features.mean(axis=0) @ kernel])


@pytest.fixture(
    scope="module", params=["resnet18", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0"]
)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> _Trained:
    """One network after the other."""
    folder = tmp_path_factory.mktemp(request.param)
    keras.utils.set_random_seed(3)
    network = build_network(
        Model(architecture=request.param), image_size=_SIDE, classes=len(_CLASSES), downloads=folder
    )
    pack = Pack(_CLASSES, train=_tinted(_TRAIN, 1), validation=_tinted(_VALIDATION, 2))
    _train_quickly(network, pack.train)
    save_model(network, folder / "model")
    expected = network(pack.validation.images.astype(np.float32), training=False).numpy()
    return _Trained(folder / "model", pack, expected)


def _exported(trained: _Trained, kind: ExportKind, folder: Path, **parameters: Any) -> tuple[ExportResult, Probabilities]:
    """What the export says of itself, and what its file says of the validation images."""
    context = PlainContext(folder)
    step = ExportStep.model_validate({"export": {"kind": kind, **parameters}, "seed": 1})
    outputs, result = run_export(step, trained.pack, trained.path, context)
    path = context.store.local_path(outputs["tflite"].sha256)
    return result, np.concatenate([infer(path, image).output for image in trained.pack.validation.images])


def test_float32_gives_what_keras_gives(trained: _Trained, tmp_path: Path) -> None:
    """Every probability is equal to four decimals."""
    _, found = _exported(trained, "float32", tmp_path)
    np.testing.assert_allclose(found, trained.expected, rtol=0, atol=1e-4)
    print("margin", np.sort(trained.expected, 1)[:, -1].mean(), "acc", (trained.expected.argmax(1)==trained.pack.validation.labels).mean(), np.abs(found-trained.expected).max())


def test_dynamic_and_int8_agree_with_keras(trained: _Trained, tmp_path: Path) -> None:
    """No float operator is left in int8, and both choose the same class as Keras for nearly every image."""
    for kind in ("dynamic","int8"):
        import time; t=time.time()
        result, found = _exported(trained, kind, tmp_path / kind)
        print(kind, 'agree',(found.argmax(1)==trained.expected.argmax(1)).mean(), 'err',np.abs(found-trained.expected).max(), np.abs(found-trained.expected).mean(), result.float_operators, time.time()-t)
