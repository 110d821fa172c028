"""An export step from Keras model to stored artifact, with a network that converts in a second."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepress_common.bundle_files.decode import decode_file
from edgepress_common.errors import BrokenPromiseError, ConversionError, StepCancelledError
from edgepress_common.messages import Outputs, Progress
from edgepress_common.promises import KeptPromise, LayerPromise
from edgepress_common.results import ExportResult
from edgepress_common.spec.exports import EXPORTS
from edgepress_common.steps import ExportStep
from edgepress_worker.exports import TFLITE_MEDIA_TYPE, StoredNetwork, run_export
from edgepress_worker.exports.converter import convert
from edgepress_worker.exports.registry import EXPORTERS
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.tflite.model import read_tflite
from fakes.small_network import CLASSES, SIDE, Kernel, saved, small_network, small_pack
from fakes.step_context import PlainContext


def _step(kind: str, **parameters: Any) -> ExportStep:
    return ExportStep.model_validate({"export": {"kind": kind, **parameters}, "seed": 11})


def _export(
    step: ExportStep, network: Any, folder: Path, *promises: LayerPromise
) -> tuple[Outputs, ExportResult, PlainContext]:
    context = PlainContext(folder)
    return *run_export(step, small_pack(), StoredNetwork(saved(network, folder), promises), context), context


def test_every_kind_of_the_vocabulary_has_its_exporter() -> None:
    """Each export that a spec may request has an exporter."""
    assert all(callable(EXPORTERS[kind]) for kind in EXPORTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "border", "computes_on_floats"),
    [
        (_step("float32"), "float32", True),
        (_step("float16"), "float32", True),
        (_step("dynamic"), "float32", True),
        (_step("int16x8", representative_images=4), "float32", False),
        (_step("int16x8", representative_images=4, input_type="int16"), "int16", False),
        (_step("int8", representative_images=4), "int8", False),
        (_step("int8", representative_images=4, input_type="uint8"), "uint8", False),
    ],
    ids=lambda value: (
        "-".join(str(part) for part in value.export.model_dump().values()) if isinstance(value, ExportStep) else None
    ),
)
def test_each_kind_is_what_was_asked_for(
    step: ExportStep, border: str, computes_on_floats: bool, tmp_path: Path
) -> None:
    """Its input and output have the type that was asked for, and it computes on floats only where that is its way."""
    outputs, result, context = _export(step, small_network(), tmp_path)
    assert (result.input_type, result.output_type) == (border, border)
    assert bool(result.float_operators) == computes_on_floats
    assert result.operators["CONV_2D"] == 2
    artifact = outputs["tflite"]
    assert artifact.media_type == TFLITE_MEDIA_TYPE
    assert artifact.size_bytes == result.size_bytes == context.store.local_path(artifact.sha256).stat().st_size
    assert result.zip_bytes < result.size_bytes
    coded = outputs["coded"]
    assert coded.size_bytes == result.coded_bytes is not None
    assert coded.size_bytes < result.zip_bytes
    restored = tmp_path / "restored.tflite"
    assert decode_file(context.store.local_path(coded.sha256), restored).sha256 == artifact.sha256


def test_a_float16_file_allows_float16_arithmetic_if_asked_for(tmp_path: Path) -> None:
    """The metadata is what XNNPACK requires, which it is not by default; zeros left out do not remove it."""

    def mostly_zero(kernel: Kernel) -> Kernel:
        return kernel * (np.random.default_rng(2).random(kernel.shape) < 0.1)

    promise = LayerPromise(layer="pointwise", sparsity=0.85)
    for arithmetic, metadata in (("float32", b"fp16accfp32"), ("float16", b"fp16accfp16")):
        step = _step("float16", arithmetic=arithmetic)
        outputs, result, context = _export(step, small_network(mostly_zero), tmp_path / arithmetic, promise)
        assert result.encoding == "sparse"
        written = read_tflite(context.store.local_path(outputs["tflite"].sha256))
        assert written.metadata["reduced_precision_support"] == metadata
        kinds = [kept.kind for kept in result.promises]
        assert ("float16_arithmetic" in kinds) == (arithmetic == "float16")


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_shapes_are_static_and_named(tmp_path: Path) -> None:
    """The input ``image`` is one image of the pack's size, and the output is ``probabilities``."""
    outputs, _, context = _export(_step("float32"), small_network(), tmp_path)
    path = context.store.local_path(outputs["tflite"].sha256)
    interpreter = tf.lite.Interpreter(model_path=str(path))
    (signature,) = interpreter.get_signature_list().values()
    (entry,) = interpreter.get_input_details()
    assert signature == {"inputs": ["image"], "outputs": ["probabilities"]}
    assert entry["shape_signature"].tolist() == [1, SIDE, SIDE, 3]


def test_sparsity_and_unique_weights_are_those_of_the_file(tmp_path: Path) -> None:
    """Kernels of three values, a good half of them zero, are found as such."""

    def three_values(kernel: Kernel) -> Kernel:
        return np.sign(kernel) * (np.abs(kernel) > 0.25)

    network = small_network(three_values)
    kernels = np.concatenate([layer.get_weights()[0].ravel() for layer in network.layers if layer.weights])
    _, result, _ = _export(_step("float32"), network, tmp_path)
    assert result.unique_weights_max == result.unique_weights_per_channel_max == 3
    assert result.sparsity == pytest.approx(np.mean(kernels == 0))
    assert 0.5 < result.sparsity < 0.7


def test_without_promises_the_file_has_its_classes_and_int8_no_floats(tmp_path: Path) -> None:
    """The promises of the export itself are listed, and a network that was not pruned is dense."""
    _, result, _ = _export(_step("int8", representative_images=2), small_network(), tmp_path)
    assert result.promises == (
        KeptPromise(kind="float_operators", promised=0, found=0),
        KeptPromise(kind="classes", promised=3, found=3),
    )
    assert (result.encoding, result.sparse_size_bytes, result.sparse_zip_bytes) == ("dense", None, None)
    assert (result.dense_size_bytes, result.dense_zip_bytes) == (result.size_bytes, result.zip_bytes)


@pytest.mark.slow
@pytest.mark.parametrize(("wanted", "encoding"), [("smallest", "sparse"), ("sparse", "sparse"), ("dense", "dense")])
def test_a_pruned_network_is_stored_as_asked_for(wanted: str, encoding: str, tmp_path: Path) -> None:
    """The artifact and all figures are those of the file that is stored; the other one is weighed as well."""

    def mostly_zero(kernel: Kernel) -> Kernel:
        return kernel * (np.random.default_rng(2).random(kernel.shape) < 0.1)

    promise = LayerPromise(layer="pointwise", sparsity=0.85)
    outputs, result, _ = _export(_step("float32", encoding=wanted), small_network(mostly_zero), tmp_path, promise)
    assert result.encoding == encoding
    assert result.sparse_size_bytes is not None
    assert result.sparse_zip_bytes is not None
    assert result.sparse_size_bytes < result.dense_size_bytes
    sizes = {
        "dense": (result.dense_size_bytes, result.dense_zip_bytes),
        "sparse": (result.sparse_size_bytes, result.sparse_zip_bytes),
    }
    assert (result.size_bytes, result.zip_bytes) == sizes[encoding]
    assert outputs["tflite"].size_bytes == result.size_bytes
    assert ("DENSIFY" in result.operators) == (encoding == "sparse")
    assert 0.85 < result.sparsity < 0.95
    assert [kept.kind for kept in result.promises] == ["sparsity", "classes"]


def test_a_broken_promise_of_a_stage_fails_the_export(tmp_path: Path) -> None:
    """A network that violates a promise of an earlier stage gives no artifact."""
    with pytest.raises(BrokenPromiseError, match="'pointwise' in the float32 file"):
        _export(_step("float32"), small_network(), tmp_path, LayerPromise(layer="pointwise", sparsity=0.5))
    assert not [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]


def test_progress_goes_forward_and_says_what_is_done(tmp_path: Path) -> None:
    """Conversion, each calibration image, and the checks are reported, with a fraction that never falls."""
    _, _, context = _export(_step("int8", representative_images=3), small_network(), tmp_path)
    assert [report.message for report in context.reports] == [
        "converting to int8",
        "calibrating 1 of 3",
        "calibrating 2 of 3",
        "calibrating 3 of 3",
        "checking",
        "coding",
    ]
    fractions = [report.fraction for report in context.reports]
    assert fractions == sorted(fractions)


class _CancelledWhileCalibrating(PlainContext):
    def report(self, progress: Progress) -> None:
        super().report(progress)
        self.cancelled = progress.message == "calibrating 2 of 4"


def test_a_step_that_is_told_to_stop_while_calibrating_does(tmp_path: Path) -> None:
    """The converter passes the cancellation on as what it is."""
    context = _CancelledWhileCalibrating(tmp_path)
    source = StoredNetwork(saved(small_network(), tmp_path))
    with pytest.raises(StepCancelledError):
        run_export(_step("int8", representative_images=4), small_pack(), source, context)
    assert context.reports[-1].message == "calibrating 2 of 4"


def test_a_diverged_network_is_refused(tmp_path: Path) -> None:
    """Weights that are not numbers give a file that breaks its promise, not an artifact."""
    network = small_network(lambda kernel: kernel * np.float32("nan"))
    with pytest.raises(BrokenPromiseError, match="diverged"):
        _export(_step("float32"), network, tmp_path)


def test_a_network_for_other_classes_is_refused(tmp_path: Path) -> None:
    """A classifier with one output too many does not belong to the pack."""
    image = keras.Input((SIDE, SIDE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    network = keras.Model(image, keras.layers.Dense(len(CLASSES) + 1, activation="softmax")(pooled))
    with pytest.raises(BrokenPromiseError, match=r"shape \(1, 4\); \(1, 3\) is one per class"):
        _export(_step("float32"), network, tmp_path)


def test_a_layer_without_integer_form_fails_int8_by_its_name(tmp_path: Path) -> None:
    """The converter leaves an ELU in float without a word; the check doesn't."""
    image = keras.Input((SIDE, SIDE, 3))
    flow = keras.layers.Conv2D(4, 3)(image)
    flow = keras.layers.ELU(name="odd_one")(flow)
    flow = keras.layers.GlobalAveragePooling2D()(flow)
    network = keras.Model(image, keras.layers.Dense(len(CLASSES), activation="softmax")(flow))
    with pytest.raises(BrokenPromiseError, match=r"1 DEQUANTIZE, 1 ELU, 1 QUANTIZE; at \S*odd_one"):
        _export(_step("int8", representative_images=2), network, tmp_path)


def test_what_the_converter_says_is_passed_on(tmp_path: Path) -> None:
    """A network that can't be written fails the step with the kind of export and the converter's reason."""

    class Refusing:
        def convert(self) -> bytes:
            raise RuntimeError("no such operator: 'HARD_SWISH'")

    with pytest.raises(ConversionError, match="as int16x8: no such operator: 'HARD_SWISH'"):
        convert(Refusing(), "int16x8", tmp_path)


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "no space left"), MemoryError(), tf.errors.ResourceExhaustedError(None, None, "no memory")],
)
def test_what_the_machine_lacks_is_not_the_networks_fault(error: Exception, tmp_path: Path) -> None:
    """It is told as what it is, and the step can be tried again."""

    class Exhausting:
        def convert(self) -> bytes:
            raise error

    with pytest.raises(type(error)) as raised:
        convert(Exhausting(), "int8", tmp_path)
    assert raised.value is error


def test_a_conversion_writes_in_its_steps_folder_alone(tmp_path: Path) -> None:
    """TensorFlow names no place for what it writes meanwhile; nothing of it is left."""
    before = tempfile.gettempdir()

    class Writing:
        def convert(self) -> bytes:
            assert Path(tempfile.mkdtemp()).is_relative_to(tmp_path)
            return b"done"

    assert convert(Writing(), "int8", tmp_path) == b"done"
    assert tempfile.gettempdir() == before
    assert list(tmp_path.iterdir()) == []


_EXPORT_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from fakes.small_network import small_pack
from fakes.step_context import PlainContext
from edgepress_common.steps import ExportStep
from edgepress_worker.exports import StoredNetwork, run_export
folder, model, *steps = sys.argv[1:]
source, context = StoredNetwork(Path(model)), PlainContext(Path(folder))
for step in steps:
    outputs, _ = run_export(ExportStep.model_validate_json(step), small_pack(), source, context)
    print(outputs["tflite"].sha256)
"""


@pytest.mark.slow
@pytest.mark.slow
def test_the_same_model_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    """Exported again, after other work, and in a process of its own with other hash seeds: always the same file."""
    model = saved(small_network(), tmp_path)
    steps = [
        _step("float32"),
        _step("float16"),
        _step("dynamic"),
        _step("int16x8", representative_images=4),
        _step("int8", representative_images=4),
    ]

    def digests(folder: Path) -> list[str]:
        context = PlainContext(folder)
        return [run_export(step, small_pack(), StoredNetwork(model), context)[0]["tflite"].sha256 for step in steps]

    here, again = digests(tmp_path / "here"), digests(tmp_path / "again")
    elsewhere = subprocess.run(
        [
            sys.executable,
            "-c",
            _EXPORT_IN_ANOTHER_PROCESS,
            tmp_path / "elsewhere",
            model,
            *(step.model_dump_json() for step in steps),
        ],
        env=os.environ | {"PYTHONPATH": "tests", "PYTHONHASHSEED": "7"},
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert here == again == elsewhere
    assert len(set(here)) == len(steps)
