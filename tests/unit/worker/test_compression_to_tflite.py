"""Compressed networks as .tflite files: what was trained is what is exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.promises import LayerPromise
from edgepress_common.spec import Model, PruneStage, QuantizeAwareStage, Stage, Training
from edgepress_common.spec.exports import ExportKind
from edgepress_common.spec.methods.cluster import ClusterStage
from edgepress_common.spec.methods.prune import PolynomialSchedule
from edgepress_common.spec.network_state import NEW_NETWORK
from edgepress_common.spec.order import after, with_choices_made
from edgepress_common.steps import ExportStep, StageStep
from edgepress_worker.pack import LabelledImages, Pack
from fakes.preactivation_network import coloured_pack, trained_file
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_common.results import ExportResult

pytestmark = pytest.mark.slow

KINDS: tuple[ExportKind, ...] = ("float32", "float16", "dynamic", "int16x8", "int8")
PCQAT: tuple[Stage, ...] = (
    PruneStage(schedule=PolynomialSchedule(final_sparsity=0.6)),
    ClusterStage(clusters=6),
    QuantizeAwareStage(),
)
CONVOLUTIONS = ("conv0", "unit1_sc", "unit1_conv1", "unit1_conv2")


class Compressed:
    """A network that went through stages: its file, what is promised of it, and its exports."""

    def __init__(
        self, folder: Path, *stages: Stage, source: Path | None = None, pack: Pack | None = None, epochs: int = 3
    ) -> None:
        from edgepress_worker.methods import Material, run_stage

        self.folder = folder
        self.exports: dict[ExportKind, tuple[Path, ExportResult]] = {}
        self.pack = pack or coloured_pack()
        self.file = trained_file(folder) if source is None else source
        self.promises: tuple[LayerPromise, ...] = ()
        state = NEW_NETWORK
        for number, stage in enumerate(stages):
            step = StageStep(
                stage=with_choices_made(stage, state),
                model=Model(architecture="resnet18"),
                training=Training(epochs=epochs, batch_size=16, learning_rate=1e-3, seed=3),
            )
            context = PlainContext(folder / str(number))
            material = Material(self.pack, self.file, folder, self.promises)
            outputs, result = run_stage(step, material, context)
            self.file = context.store.local_path(outputs["model"].sha256)
            self.promises, state = result.promises, after(state, stage)

    def exported(self, kind: ExportKind) -> tuple[Path, ExportResult]:
        """The file of that kind, and what is said of it; written once."""
        if kind not in self.exports:
            self.exports[kind] = self._export(kind)
        return self.exports[kind]

    def _export(self, kind: ExportKind) -> tuple[Path, ExportResult]:
        from edgepress_worker.exports import StoredNetwork, run_export

        context = PlainContext(self.folder / kind)
        step = ExportStep.model_validate({"export": {"kind": kind, "encoding": "dense"}, "seed": 1})
        outputs, result = run_export(step, self.pack, StoredNetwork(self.file, self.promises), context)
        return context.store.local_path(outputs["tflite"].sha256), result

    def network(self) -> Any:
        """The Keras network."""
        from edgepress_worker.keras_files import load_model

        return load_model(self.file)


@pytest.fixture(scope="module")
def pcqat(tmp_path_factory: pytest.TempPathFactory) -> Compressed:
    """Pruned, clustered, quantized."""
    return Compressed(tmp_path_factory.mktemp("pcqat"), *PCQAT)


@pytest.fixture(scope="module")
def qat(tmp_path_factory: pytest.TempPathFactory) -> Compressed:
    """Quantized alone."""
    return Compressed(tmp_path_factory.mktemp("qat"), QuantizeAwareStage())


@pytest.mark.parametrize("kind", KINDS)
def test_every_export_keeps_zeros_and_values(pcqat: Compressed, kind: ExportKind) -> None:
    """The result lists the promises as kept."""
    _, result = pcqat.exported(kind)
    kept = {promise.kind: promise for promise in result.promises}
    assert kept["sparsity"].found >= 0.6 - 0.01
    assert kept["sparsity"].layers == len(CONVOLUTIONS) + 1
    assert kept["unique_weights_per_channel"].found <= 6
    assert kept["classes"].found == 3


def test_codes_are_as_few_as_the_values(pcqat: Compressed) -> None:
    """In the int8 file each layer has one scale, so that a value is one code, in each channel."""
    from edgepress_worker.tflite.model import read_tflite
    from edgepress_worker.tflite.weights import read_weights

    path, result = pcqat.exported("int8")
    assert result.unique_weights_max <= 2 * 6 - 1  # a negative gamma turns a channel's codes round
    assert all(weights.unique_count() <= 11 for weights in read_weights(read_tflite(path)))


@pytest.mark.parametrize("compressed", ["qat", "pcqat"])
def test_no_float_operator_is_left(request: pytest.FixtureRequest, compressed: str) -> None:
    """Normalizations that stand alone among them."""
    _, result = request.getfixturevalue(compressed).exported("int8")
    assert result.float_operators == {}


@pytest.mark.parametrize("compressed", ["qat", "pcqat"])
def test_the_file_holds_the_trained_codes(request: pytest.FixtureRequest, compressed: str) -> None:
    """The kernel's codes are those in the file, times the normalization after it."""
    from edgepress_worker.tflite.layer_names import layers_of
    from edgepress_worker.tflite.model import read_tflite
    from edgepress_worker.tflite.weights import read_weights

    made: Compressed = request.getfixturevalue(compressed)
    network = made.network()
    path, _ = made.exported("int8")
    model = read_tflite(path)
    seen = set()
    for weights in read_weights(model):
        for layer in layers_of(model.tensors[weights.tensor].name) & set(CONVOLUTIONS):
            kernel = np.moveaxis(network.get_layer(layer).get_weights()[0], -1, 0)
            largest = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) if compressed == "qat" else np.abs(kernel).max()
            codes = np.rint(kernel / (largest / 127))
            same = (weights.codes == codes).reshape(len(codes), -1).all(axis=1)
            turned = (weights.codes == -codes).reshape(len(codes), -1).all(axis=1)
            assert (same | turned).all()
            seen.add(layer)
    assert seen == set(CONVOLUTIONS)


def test_the_file_has_the_trained_ranges(qat: Compressed) -> None:
    """Each range that was trained is the range of a tensor in the file."""
    from edgepress_worker.keras_environment import tf
    from edgepress_worker.quantization.activation_range import ActivationRange

    path, _ = qat.exported("int8")
    interpreter = tf.lite.Interpreter(str(path))
    scales = np.array([detail["quantization"][0] for detail in interpreter.get_tensor_details()])
    ranges = [layer for layer in qat.network().layers if isinstance(layer, ActivationRange)]
    assert len(ranges) == 10
    for layer in ranges:
        low, high = layer.get_weights()
        assert np.isclose(scales, (high - low) / 255, rtol=1e-4).any(), layer.name


@pytest.mark.parametrize("compressed", ["qat", "pcqat"])
def test_the_file_computes_what_was_trained(request: pytest.FixtureRequest, compressed: str) -> None:
    """Probabilities are the Keras network's, to a few steps of 1/256."""
    from edgepress_worker.tflite.inference import infer

    made: Compressed = request.getfixturevalue(compressed)
    path, _ = made.exported("int8")
    images = coloured_pack().validation.images[:30]
    trained = made.network().predict(images.astype(np.float32), verbose=0)
    in_file = np.concatenate([infer(path, image).output for image in images])
    assert np.abs(in_file - trained).max() < 0.08
    assert np.mean(in_file.argmax(axis=1) == trained.argmax(axis=1)) >= 0.95


def test_float_exports_have_no_ranges(qat: Compressed) -> None:
    """They compute in floats throughout, without a rounding in between."""
    _, result = qat.exported("float32")
    assert not {"QUANTIZE", "DEQUANTIZE", "FAKE_QUANT"} & set(result.operators)


def test_mobilenet_v2_is_integers_throughout(tmp_path: Path) -> None:
    """Depthwise convolutions, ReLU6 and additions as well; depthwise kernels are neither pruned nor clustered."""
    from edgepress_worker.keras_files import save_model
    from edgepress_worker.networks import build_network

    model = Model(architecture="mobilenet_v2", width=0.35)
    save_model(build_network(model, image_size=32, classes=3, downloads=tmp_path), tmp_path / "source.h5")
    made = Compressed(tmp_path, *PCQAT, source=tmp_path / "source.h5", pack=larger_pack(), epochs=1)
    _, result = made.exported("int8")
    depthwise = [promise for promise in made.promises if "depthwise" in promise.layer]
    assert result.float_operators == {}
    assert len(depthwise) == 17
    assert {(promise.sparsity, promise.clusters, promise.grid) for promise in depthwise} == {(None, None, "channel")}


def larger_pack() -> Pack:
    """The coloured images, twice as wide and high."""
    pack = coloured_pack(48)
    images = np.repeat(np.repeat(pack.train.images, 2, axis=1), 2, axis=2)
    part = LabelledImages(images, pack.train.labels)
    return Pack(pack.classes, part, part)


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        (ClusterStage(clusters=8, block="kernel"), "unique_blocks"),
        (ClusterStage(clusters=8, block="1x4"), "unique_blocks"),
        (ClusterStage(clusters=32, centroids="hashed"), "hashed_weights"),
    ],
    ids=lambda value: value.block if isinstance(value, ClusterStage) else value,
)
def test_sharing_that_only_storage_sees_makes_the_coded_file_smaller(
    qat: Compressed, tmp_path: Path, stage: ClusterStage, kind: str
) -> None:
    """It is verified in the int8 file of the quantized network, layer by layer, and its float file keeps it too."""
    shared = Compressed(tmp_path, stage, QuantizeAwareStage())
    _, plain = qat.exported("int8")
    _, result = shared.exported("int8")
    kept = {promise.kind: promise for promise in result.promises}
    assert kept[kind].layers == sum(1 for promise in shared.promises if promise.clusters is not None) >= 2
    assert kept[kind].found <= kept[kind].promised
    assert result.size_bytes == plain.size_bytes
    assert result.coded_bytes is not None
    assert plain.coded_bytes is not None
    assert result.coded_bytes < 0.9 * plain.coded_bytes
    shared.exported("float32")
