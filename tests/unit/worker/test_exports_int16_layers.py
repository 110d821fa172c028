"""int8 files in which chosen layers compute with activations in int16."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from edgepress_common.errors import BrokenPromiseError, StepFailedError
from edgepress_common.promises import KeptPromise
from edgepress_common.spec import Pipeline
from edgepress_common.steps import ExportStep
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.exports.checks import check_promise
from edgepress_worker.exports.exporter import FilePromise
from edgepress_worker.keras_environment import keras
from edgepress_worker.tflite.inference import infer
from edgepress_worker.tflite.mixed_file import with_int16_layers
from edgepress_worker.tflite.model import TfliteModel, parse_tflite
from fakes.preactivation_network import coloured_pack, preactivation_network
from fakes.small_network import saved
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_common.results import ExportResult

pytestmark = pytest.mark.slow

PACK = coloured_pack(24)
IMAGES = PACK.validation.images


def network() -> Any:
    """A network with a residual unit, whose probabilities are not all alike."""
    made = preactivation_network()
    classifier = made.get_layer("classifier")
    logits = keras.Model(made.input, classifier.input)(PACK.train.images.astype(np.float32)).numpy()
    classifier.set_weights([each / logits.std() for each in classifier.get_weights()])
    return made


def exported(folder: Path, **parameters: Any) -> tuple[Path, ExportResult]:
    """The file of the network with these parameters."""
    context = PlainContext(folder)
    export = {"kind": "int8", "representative_images": 24} | parameters
    step = ExportStep.model_validate({"export": export, "seed": 1})
    outputs, result = run_export(step, PACK, StoredNetwork(saved(network(), folder)), context)
    return context.store.local_path(outputs["tflite"].sha256), result


def decibels(path: Path) -> float:
    """Signal-to-noise ratio of a file's probabilities, compared with the network's."""
    found = np.concatenate([infer(path, image).output for image in IMAGES])
    wanted = network()(IMAGES.astype(np.float32), training=False).numpy()
    return float(10 * np.log10((wanted**2).sum() / ((found - wanted) ** 2).sum()))


def types(model: TfliteModel) -> list[tuple[str, str, str]]:
    """Name, input type and output type of each operator."""
    tensors = model.tensors
    found = []
    for operator in model.operators:
        entry, end = operator.inputs[0], operator.outputs[0]
        assert entry is not None
        found.append((operator.name, tensors[entry].type, tensors[end].type))
    return found


def test_all_layers_in_int16_are_as_exact_as_the_whole_file_in_int16(tmp_path: Path) -> None:
    """All but the normalization of the input, which comes first; the weights are stored once."""
    int8, plain = exported(tmp_path / "int8")
    mixed, result = exported(tmp_path / "mixed", int16_layers=["name:*"])
    whole, _ = exported(tmp_path / "whole", kind="int16x8")
    assert decibels(int8) + 2 < decibels(mixed)  # what is left is the rounding of the weights
    assert decibels(mixed) <= decibels(whole) + 3
    assert KeptPromise(kind="int16_layers", promised=5, found=5) in result.promises
    assert result.dense_size_bytes < 1.5 * plain.dense_size_bytes
    found = types(parse_tflite(mixed.read_bytes()))
    assert {(name, *kinds) for name, *kinds in found if name in {"CONV_2D", "FULLY_CONNECTED"}} == {
        ("CONV_2D", "int16", "int16"), ("FULLY_CONNECTED", "int16", "int16"),
    }  # fmt: skip
    assert found[-1] == ("QUANTIZE", "int16", "int8")


def test_only_the_chosen_layers_are_in_int16(tmp_path: Path) -> None:
    """Tensors are converted where the types meet; any other file breaks the promise."""
    mixed, result = exported(tmp_path / "mixed", int16_layers=["name:unit1_conv1", "name:unit1_conv2"])
    model = parse_tflite(mixed.read_bytes())
    found = types(model)
    convolutions = [each for each in found if each[0] == "CONV_2D"]
    assert sorted(convolutions) == [("CONV_2D", "int16", "int16")] * 2 + [("CONV_2D", "int8", "int8")] * 2
    conversions = {("DEQUANTIZE", "int8", "float32"), ("QUANTIZE", "float32", "int16"), ("QUANTIZE", "int16", "int8")}
    assert conversions <= {*found}
    assert {*result.float_operators} == {"DEQUANTIZE", "QUANTIZE"}
    assert KeptPromise(kind="int16_layers", promised=2, found=2) in result.promises
    with pytest.raises(BrokenPromiseError, match="where exactly another was asked for"):
        check_promise(FilePromise("int8", "int8", int16_layers=("another",)), model)


def test_files_with_other_operators_are_not_joined(tmp_path: Path) -> None:
    """A file with a float input has a conversion more."""
    int8, _ = exported(tmp_path / "int8")
    whole, _ = exported(tmp_path / "whole", kind="int16x8")
    with pytest.raises(StepFailedError, match="Ask for the export without int16_layers"):
        with_int16_layers(int8.read_bytes(), whole.read_bytes(), {})


@pytest.mark.parametrize(
    ("stages", "parameters", "problem"),
    [
        ([], {"keep_float": 1}, "can't be combined with keep_float"),
        ([], {"weight_scales": "layer"}, "can't be combined with weight_scales"),
        ([], {"input_type": "uint8"}, "can't be combined with input_type"),
        ([], {"calibration": {"ranges": "mse"}}, "can't be combined with calibration.ranges"),
        ([{"kind": "quantize_aware"}], {}, "has trained all activations for int8"),
    ],
)
def test_what_cannot_be_written_is_refused(
    stages: list[dict[str, Any]], parameters: dict[str, Any], problem: str
) -> None:
    """Before anything runs, with what is accepted."""
    export = {"kind": "int8", "int16_layers": ["first"]} | parameters
    with pytest.raises(ValidationError, match=f"{problem}.*accepted"):
        Pipeline.model_validate({"name": "p", "stages": stages, "exports": [export]})
