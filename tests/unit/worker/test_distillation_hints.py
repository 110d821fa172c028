"""Layers of a student that learn the outputs of its teacher's layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError, StepCancelledError
from edgepress_common.spec import DistillStage, Model, Training
from edgepress_common.spec.teaching import Hint
from edgepress_common.steps import StageStep
from edgepress_worker.distillation.hints import hinted_layers
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model, save_model
from edgepress_worker.methods import Material, run_stage
from fakes.cancelling_context import CancellingContext
from fakes.small_student import small_student, student_pack
from fakes.step_context import PlainContext
from fakes.tiny_images import CLASSES

RANDOM = np.random.default_rng(3)


def _teacher() -> Any:
    layers = keras.layers
    pixels = keras.Input((32, 32, 3), name="pixels")
    flow = layers.Conv2D(6, 3, strides=4, name="features")(layers.Rescaling(1 / 255)(pixels))
    flow = layers.Conv2D(5, 1, strides=2, name="smaller")(flow)
    flow = layers.GlobalAveragePooling2D(name="vector")(flow)
    return keras.Model(pixels, layers.Activation("softmax")(layers.Dense(len(CLASSES))(flow)))


@pytest.mark.parametrize(("student", "teacher"), [("convolution", "features"), ("pooled", "vector")])
def test_loss_is_half_the_mean_square_after_the_adapter(student: str, teacher: str) -> None:
    """Weighted by image, with a linear adapter between channels."""
    (hint,) = hinted_layers([Hint(student=student, teacher=teacher, weight=3)], small_student(), _teacher())
    assert hint.adapter is not None
    kernel, bias = hint.adapter.get_weights()
    places = () if teacher == "vector" else (7, 7)
    output, taught = (RANDOM.normal(size=(4, *places, c)).astype(np.float32) for c in kernel.shape[-2:])
    weights = RANDOM.uniform(0.5, 2, 4).astype(np.float32)
    adapted = output @ kernel.reshape(kernel.shape[-2:]) + bias
    squares = np.square(adapted - taught).reshape(4, -1).mean(axis=1)
    expected = 3 / 2 * np.mean(weights * squares)
    assert float(hint.loss(output, taught, weights)) == pytest.approx(expected, rel=1e-4)


def test_equal_outputs_need_no_adapter() -> None:
    """A network that learns from itself before it was compressed has such outputs."""
    network = small_student()
    (hint,) = hinted_layers([Hint(student="convolution", teacher="convolution")], network, network)
    assert hint.adapter is None


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (("convolution", "smaller"),
         r"hints\[0\]: the output of convolution is 8x8x4 and that of the teacher's smaller is 4x4x5"),
        (("convolution", "vector"), "is 8x8x4 and that of the teacher's vector is 5; accepted: layers with the same"),
        (("conv9", "features"), r"hints\[0\].student is 'conv9'; accepted: a layer of that network, pixels, scaling"),
        (("pooled", "conv9"), r"hints\[0\].teacher is 'conv9'"),
    ],
)  # fmt: skip
def test_a_hint_that_does_not_fit_is_refused(hint: tuple[str, str], message: str) -> None:
    """With the shapes or the names that there are."""
    with pytest.raises(InvalidInputError, match=message):
        hinted_layers([Hint(student=hint[0], teacher=hint[1])], small_student(), _teacher())


Attempt = tuple[bytes, Any, int]  # the student's file, its configuration, and the number of epochs before the attempt


def _attempt(context: PlainContext, teacher: Path, **asked: Any) -> Attempt:
    stage = DistillStage.model_validate({"student": {"architecture": "mobilenet", "width": 0.25}} | asked)
    model = Model(architecture="mobilenet", width=0.25)
    training = Training(epochs=3, batch_size=16, seed=3, learning_rate=0.01)
    material = Material(student_pack(), None, teacher.parent, teachers=(teacher,))
    outputs, result = run_stage(StageStep(stage=stage, model=model, training=training), material, context)
    file = context.store.local_path(outputs["model"].sha256)
    return file.read_bytes(), load_model(file).get_config(), result.resumed_after_epochs


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a teacher."""
    layers, path = keras.layers, tmp_path_factory.mktemp("teacher") / "teacher"
    pixels = keras.Input((32, 32, 3))
    flow = layers.Conv2D(6, 3, strides=2, padding="same", name="teacher_features")(layers.Rescaling(1 / 255)(pixels))
    flow = layers.Dense(len(CLASSES))(layers.GlobalAveragePooling2D()(flow))
    save_model(keras.Model(pixels, layers.Activation("softmax")(flow)), path)
    return path


@pytest.fixture(scope="module")
def plain(teacher: Path) -> Attempt:
    """A student that learns the teacher's predictions alone."""
    return _attempt(PlainContext(teacher.parent / "plain"), teacher)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"hints": [{"student": "conv1", "teacher": "teacher_features"}]},
        {"loss": "dkd"},
        {"loss": {"kind": "dist", "images_weight": 0.5}},
    ],
    ids=["hints", "dkd", "dist"],
)
def test_a_lesson_of_any_kind_resumes_bit_for_bit(
    changes: dict[str, Any], teacher: Path, plain: Attempt, tmp_path: Path
) -> None:
    """Adapters and warm-up are taken up again; the student's file has the layers of a plain network."""
    undisturbed, config, _ = _attempt(PlainContext(tmp_path / "undisturbed"), teacher, **changes)
    assert config == plain[1]
    assert undisturbed != plain[0]
    with pytest.raises(StepCancelledError):
        _attempt(CancellingContext(tmp_path / "stopped", lambda progress: progress.epoch == 1), teacher, **changes)
    resumed, _, after = _attempt(PlainContext(tmp_path / "stopped"), teacher, **changes)
    assert (resumed, after) == (undisturbed, 1)
