"""Stages that learn from a teacher while they compress."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError, StepCancelledError, StepFailedError
from edgepress_common.spec import Model, Pipeline, Training
from edgepress_common.spec.network_state import NEW_NETWORK
from edgepress_common.spec.order import with_choices_made
from edgepress_common.steps import StageStep
from fakes.cancelling_context import CancellingContext
from fakes.preactivation_network import coloured_pack, trained_file
from fakes.small_student import small_teacher
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_worker.methods import Material

pytestmark = pytest.mark.slow

TRAINING = Training(epochs=3, batch_size=16, learning_rate=1e-3, seed=3)
STAGES: list[dict[str, Any]] = [
    {"kind": "prune", "schedule": {"kind": "polynomial", "final_sparsity": 0.6}},
    {"kind": "cluster", "clusters": 6},
    {"kind": "quantize_aware"},
    {"kind": "fine_tune"},
]


def step(stage: dict[str, Any], **changes: Any) -> StageStep:
    """A stage, as the plan would have it."""
    pipeline = Pipeline.model_validate({"name": "p", "stages": [stage], "exports": ["int8"]})
    training = TRAINING.model_copy(update=changes)
    chosen = with_choices_made(pipeline.stages[0], NEW_NETWORK)
    return StageStep(stage=chosen, model=Model(architecture="resnet18"), training=training)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """A trained network that is its own teacher, as with ``teacher: source`` after ``train``."""
    from edgepress_worker.methods import Material

    folder = tmp_path_factory.mktemp("trained")
    trained = trained_file(folder)
    return Material(coloured_pack(), trained, folder, teachers=(trained,))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage["kind"])
def test_a_taught_stage_resumes_bit_for_bit(stage: dict[str, Any], material: Material, tmp_path: Path) -> None:
    """It learns something else than from labels alone, with the same promises, with averaged weights, too."""
    from edgepress_worker.methods import run_stage

    taught = step(stage | {"teacher": "source"})
    outputs, result = run_stage(taught, material, PlainContext(tmp_path / "undisturbed"))
    alone, alone_result = run_stage(step(stage), replace(material, teachers=()), PlainContext(tmp_path / "alone"))
    assert outputs["model"].sha256 != alone["model"].sha256
    assert result.promises == alone_result.promises
    assert result.val_accuracy >= 0.9

    with pytest.raises(StepCancelledError):
        run_stage(taught, material, CancellingContext(tmp_path / "stopped", lambda progress: progress.epoch == 1))
    gone = replace(material, teachers=(tmp_path / "no teacher",))
    resumed, again = run_stage(taught, gone, PlainContext(tmp_path / "stopped"))
    assert again.resumed_after_epochs == 1
    assert resumed["model"].sha256 == outputs["model"].sha256


@pytest.mark.parametrize("stage", STAGES[:2], ids=lambda stage: stage["kind"])
def test_fine_tuning_keeps_what_earlier_stages_have_done(
    stage: dict[str, Any], material: Material, tmp_path: Path
) -> None:
    """The promises are verified for the weights at its end; without them, the network would lose zeros and values."""
    from edgepress_worker.methods import run_stage

    context = PlainContext(tmp_path / "compressed")
    outputs, result = run_stage(step(stage), replace(material, teachers=()), context)
    compressed = context.store.local_path(outputs["model"].sha256)
    tuning = replace(material, source=compressed, promises=result.promises)
    tuned, again = run_stage(step({"kind": "fine_tune"}), tuning, PlainContext(tmp_path / "tuned"))
    assert again.promises == result.promises != ()
    assert tuned["model"].sha256 != outputs["model"].sha256
    _, forgotten = run_stage(step({"kind": "fine_tune"}), replace(tuning, promises=()), PlainContext(tmp_path / "lost"))
    assert forgotten.promises == ()


def test_labels_do_not_matter_to_a_stage_that_only_its_teacher_teaches(material: Material, tmp_path: Path) -> None:
    """With alpha 0 and other labels, the same weights."""
    from edgepress_worker.methods import run_stage

    taught = step(STAGES[0] | {"teacher": "source", "alpha": 0})
    train = replace(material.pack.train, labels=material.pack.train.labels[::-1].copy())
    other = replace(material, pack=replace(material.pack, train=train))
    found = [run_stage(taught, each, PlainContext(tmp_path / str(i)))[0] for i, each in enumerate((material, other))]
    assert found[0]["model"].sha256 == found[1]["model"].sha256


def test_a_teacher_of_other_images_is_refused(material: Material, tmp_path: Path) -> None:
    """The message has both sizes."""
    from edgepress_worker.keras_files import save_model
    from edgepress_worker.methods import run_stage

    save_model(small_teacher(), tmp_path / "other")
    with pytest.raises(InvalidInputError, match=r"from 32x32x3 to \d classes; accepted: one from 16x16x3 to 3 classes"):
        run_stage(
            step(STAGES[0] | {"teacher": "source"}),
            replace(material, teachers=(tmp_path / "other",)),
            PlainContext(tmp_path),
        )


def test_a_runner_that_ignores_its_teacher_fails(material: Material, tmp_path: Path) -> None:
    """A method of an extension can't leave the teacher out silently: `train` has no use for one."""
    from edgepress_worker.methods import run_stage

    trained = StageStep.model_validate(
        {"stage": {"kind": "train"}, "model": {"architecture": "mobilenet", "width": 0.25}, "training": {"epochs": 1}}
    )
    pack = coloured_pack()
    bigger = replace(pack, train=_larger(pack.train), validation=_larger(pack.validation))
    with pytest.raises(StepFailedError, match="train has a teacher, but this worker's code of it did not use it"):
        run_stage(trained, replace(material, pack=bigger), PlainContext(tmp_path))


def _larger(part: Any) -> Any:
    return replace(part, images=np.repeat(np.repeat(part.images, 2, axis=1), 2, axis=2))
