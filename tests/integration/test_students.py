"""Narrow and compact networks: built, trained for a step, exported as int8, and run by the delegate."""

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgepress_common.architectures import ArchitectureName
from edgepress_common.spec import Model, Training, TrainStage
from edgepress_common.steps import ExportStep, StageStep
from edgepress_evaluator.measure.delegation import delegated_indices
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext

pytestmark = pytest.mark.slow

SIDE = 32


@pytest.mark.parametrize(
    ("name", "width", "alone"),
    # MUL and ADD of whole activations, apart from residual additions: the scaling of the pixels, and normalizations
    # that no convolution absorbs.
    [("resnet18", 0.25, 10), ("resnet18_postactivation", 0.25, 1), ("efficientnet_lite0", 1.0, 1)],
)
def test_a_student_is_trained_exported_and_run_by_the_delegate(
    name: ArchitectureName, width: float, alone: int, tmp_path: Path
) -> None:
    """The delegate runs all operators of the int8 file but the softmax, for which it has no int8 kernel."""
    images = np.random.default_rng(1).integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8)
    part = LabelledImages(images, np.arange(8, dtype=np.int64) % 2)
    pack, context = Pack(("even", "odd"), part, part), PlainContext(tmp_path)
    step = StageStep(
        stage=TrainStage(), model=Model(architecture=name, width=width), training=Training(epochs=1, batch_size=8)
    )
    outputs, trained = run_stage(step, Material(pack, None, tmp_path), context)
    assert np.isfinite(trained.epochs[0].loss)
    export = ExportStep.model_validate({"export": {"kind": "int8", "representative_images": 4}, "seed": 1})
    stored = StoredNetwork(context.store.local_path(outputs["model"].sha256))
    files, exported = run_export(export, pack, stored, context)
    assert exported.float_operators == {}
    assert exported.operators["MUL"] == alone
    interpreter = Interpreter(model_path=str(context.store.local_path(files["tflite"].sha256)))
    interpreter.allocate_tensors()
    count = sum(exported.operators.values())
    assert len(delegated_indices(interpreter._get_ops_details())) == count - exported.operators["SOFTMAX"]
