"""The stage that distills: what it is given, what it makes of it, what it leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_common.spec import DistillStage, Model, TrainStage
from edgepress_common.spec.methods import Stage
from edgepress_common.spec.training import Training
from edgepress_common.steps import StageStep
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model, save_and_weigh, save_model
from edgepress_worker.methods.distill import distill
from edgepress_worker.methods.method import Compressed, Material
from edgepress_worker.methods.train import train_network
from edgepress_worker.quantization.with_ranges import with_ranges
from edgepress_worker.training import begin_repeatable
from fakes.cancelling_context import CancellingContext
from fakes.small_student import small_teacher, student_pack
from fakes.step_context import PlainContext

pytestmark = pytest.mark.slow

STUDENT = Model(architecture="mobilenet", width=0.25, dropout=0.2)
TRAINING = Training.model_validate(
    {"epochs": 2, "batch_size": 16, "seed": 3, "precision": "float32", "augmentation": {"horizontal_flip": True}}
)


@dataclass(frozen=True)
class Distilled:
    """A stage that has been run."""

    context: PlainContext
    material: Material
    made: Compressed


def _step(stage: Stage, **changes: object) -> StageStep:
    return StageStep(stage=stage, model=STUDENT, training=TRAINING.model_copy(update=changes))


def _material(teacher: keras.Model, folder: Path) -> Material:
    file = folder / "teacher"
    if not file.exists():
        folder.mkdir(exist_ok=True)
        save_model(teacher, file)
    return Material(pack=student_pack(), source=None, downloads=folder, teachers=(file,))


def _distill(context: PlainContext, material: Material, alpha: float = 0.1, **changes: object) -> Compressed:
    begin_repeatable(TRAINING.seed)  # as `run_stage` does
    return distill(_step(DistillStage(student=STUDENT, alpha=alpha), **changes), material, context)


def _bytes(made: Compressed, folder: Path) -> bytes:
    save_model(made.model, folder / "student.h5")
    return (folder / "student.h5").read_bytes()


@pytest.fixture(scope="module")
def distilled(tmp_path_factory: pytest.TempPathFactory) -> Distilled:
    """A student of two epochs with cached teacher predictions."""
    folder = tmp_path_factory.mktemp("distilled")
    context, material = PlainContext(folder), _material(small_teacher(), folder)
    return Distilled(context, material, _distill(context, material))


def test_student_is_the_plain_network(distilled: Distilled, tmp_path: Path) -> None:
    """A file like that of the same network trained plainly; nothing of the teacher, or of the training, is in it."""
    begin_repeatable(TRAINING.seed)
    plain = train_network(_step(TrainStage(), epochs=1), distilled.material, PlainContext(tmp_path))
    made = distilled.made
    save_model(made.model, tmp_path / "student.h5")
    assert load_model(tmp_path / "student.h5").get_config() == plain.model.get_config()
    assert [w.name for w in made.model.weights] == [w.name for w in plain.model.weights]
    assert made.promises == ()
    assert len(made.record.epochs) == 2
    predicted = made.model.predict(distilled.material.pack.validation.images.astype(np.float32), verbose=0)
    accuracy = np.mean(predicted.argmax(axis=1) == distilled.material.pack.validation.labels)
    assert accuracy == pytest.approx(made.record.epochs[-1].val_accuracy)


def test_student_can_be_weighed_with_its_optimizer(distilled: Distilled) -> None:
    """Adam has two slots for each weight that is trained."""
    trained = sum(weight.shape.num_elements() for weight in distilled.made.model.trainable_weights)
    slots_bytes = 2 * 4 * trained
    file = distilled.context.scratch / "plain.h5"
    plain, whole = save_and_weigh(distilled.made.model, distilled.made.optimizer, file)
    file.unlink()
    assert whole.size_bytes - plain.size_bytes == pytest.approx(slots_bytes, rel=0.2)


def test_answers_and_the_trainings_state_are_left(distilled: Distilled) -> None:
    """They are left for another attempt, and no other file is."""
    assert {path.name for path in distilled.context.scratch.iterdir()} == {"training", "teacher.npy"}


def test_interrupted_stage_gives_the_same_bytes(distilled: Distilled, tmp_path: Path) -> None:
    """Stopped after the first epoch and taken up by another process, which does not ask the teacher again."""
    with pytest.raises(StepCancelledError):
        _distill(CancellingContext(tmp_path, lambda progress: progress.epoch == 1), distilled.material)
    gone = replace(distilled.material, teachers=(tmp_path / "no teacher",))
    resumed = _distill(PlainContext(tmp_path), gone)
    assert resumed.record.resumed_after_epochs == 1
    assert _bytes(resumed, tmp_path) == _bytes(distilled.made, tmp_path)


def test_another_share_of_the_teacher_gives_another_student(distilled: Distilled, tmp_path: Path) -> None:
    """The stage's own parameters reach the loss."""
    other = _distill(PlainContext(tmp_path), distilled.material, alpha=0.9)
    assert _bytes(other, tmp_path) != _bytes(distilled.made, tmp_path)


def test_teacher_of_turned_images_is_asked_in_each_step(distilled: Distilled, tmp_path: Path) -> None:
    """Predictions are not cached; in 16 bits as in 32, the student is stored in float32."""
    turned = TRAINING.augmentation.model_copy(update={"rotation_degrees": 90})
    context = PlainContext(tmp_path)
    made = _distill(context, distilled.material, epochs=1, augmentation=turned, precision="mixed_bfloat16")
    assert [path.name for path in context.scratch.iterdir()] == ["training"]
    assert made.model.get_config() == distilled.made.model.get_config()
    assert not [report for report in context.reports if report.message.startswith("teacher")]


def test_quantized_network_can_teach(tmp_path: Path) -> None:
    """A teacher with layers of Edgepress is loaded from its file, and predicts with rounding."""
    teacher = with_ranges(small_teacher(), momentum=0.9)
    material = _material(teacher, tmp_path)
    made = _distill(PlainContext(tmp_path), material, epochs=2)
    assert np.isfinite(made.record.epochs[-1].loss)
