"""Running a stage: the artifact, and what is said of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from edgepress_common.messages import Outputs
from edgepress_common.results import StageResult
from edgepress_common.spec.model import Model
from edgepress_common.spec.stages import StageKind, TrainStage
from edgepress_common.spec.training import Training
from edgepress_common.steps import StageStep
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import METHODS, Material, run_stage
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext
from fakes.tiny_images import CLASSES, tiny_images


@dataclass(frozen=True)
class Stage:
    """A stage that has been run."""

    context: PlainContext
    pack: Pack
    outputs: Outputs
    result: StageResult

    def model(self) -> keras.Model:
        return load_model(self.context.store.local_path(self.outputs["model"].sha256))


def _pack() -> Pack:
    return Pack(CLASSES, LabelledImages(*tiny_images(32)), LabelledImages(*tiny_images(12, seed=1)))


def _run(folder: Path, **changes: object) -> Stage:
    context, pack = PlainContext(folder), _pack()
    settings = {"epochs": 2, "batch_size": 16, "seed": 3} | changes
    step = StageStep(
        stage=TrainStage(),
        model=Model(architecture="mobilenet", width=0.25, dropout=0.2),
        training=Training.model_validate(settings),
    )
    outputs, result = run_stage(step, Material(pack, None, folder / "downloads"), context)
    return Stage(context, pack, outputs, result)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A small network, trained for two epochs."""
    return _run(tmp_path_factory.mktemp("trained"))


def test_every_kind_of_stage_has_its_method() -> None:
    """What can be asked for can be done."""
    assert set(METHODS) == set(get_args(StageKind))


def test_artifact_is_the_trained_model(trained: Stage) -> None:
    """The file holds the network with the accuracy that is reported, in plain float32, without the optimizer."""
    model, validation = trained.model(), trained.pack.validation
    predicted = model.predict(validation.images.astype(np.float32), verbose=0).argmax(axis=1)
    assert np.mean(predicted == validation.labels) == pytest.approx(trained.result.val_accuracy)
    assert trained.result.val_accuracy == trained.result.epochs[-1].val_accuracy
    assert model.name == "mobilenet"
    assert model.count_params() == trained.result.parameters
    assert model.optimizer is None
    assert trained.outputs["model"].media_type == "application/x-hdf5"
    assert set(trained.outputs) == {"model"}


def test_sizes(trained: Stage) -> None:
    """Adam adds two float32 values for each weight that is trained; zipping shrinks either file."""
    result = trained.result
    assert result.keras_bytes == trained.outputs["model"].size_bytes
    slots_bytes = 2 * 4 * sum(weight.shape.num_elements() for weight in trained.model().trainable_weights)
    assert result.keras_with_optimizer_bytes - result.keras_bytes == pytest.approx(slots_bytes, rel=0.2)
    assert result.keras_with_optimizer_bytes - result.keras_bytes > slots_bytes
    assert result.keras_zip_bytes < result.keras_bytes
    assert result.keras_zip_bytes < result.keras_with_optimizer_zip_bytes < result.keras_with_optimizer_bytes


def test_epoch_seconds_leave_out_the_one_that_compiled(trained: Stage) -> None:
    """Of two epochs, the second counts."""
    assert trained.result.epoch_seconds == trained.result.epochs[1].seconds


def test_only_the_state_is_left_in_the_scratch_folder(trained: Stage) -> None:
    """The model itself was moved into the store."""
    assert [path.name for path in trained.context.scratch.iterdir()] == ["training"]


def test_same_step_gives_the_same_bytes(trained: Stage, tmp_path: Path) -> None:
    """Trained anew in a process that has trained before; another seed gives others."""
    keras.layers.Dense(3)  # whatever another step may have left behind
    assert _run(tmp_path / "again").outputs == trained.outputs
    assert _run(tmp_path / "other", seed=4, epochs=1).outputs != trained.outputs


def test_mixed_precision_leaves_no_trace_in_the_file(trained: Stage, tmp_path: Path) -> None:
    """A model trained in 16 bits is stored as one that was trained in 32: the same layers, in float32."""
    mixed = _run(tmp_path, precision="mixed_bfloat16")
    assert mixed.model().get_config() == trained.model().get_config()
    assert mixed.outputs != trained.outputs
    assert mixed.result.keras_bytes == trained.result.keras_bytes


def test_finished_training_is_only_stored_again(trained: Stage) -> None:
    """An attempt that takes over after the last epoch gives the same artifact and the same sizes."""
    again = _run(trained.context.store.local_path(trained.outputs["model"].sha256).parents[2])
    assert again.result.resumed_after_epochs == 2
    assert again.outputs == trained.outputs
    assert again.result == trained.result.model_copy(update={"resumed_after_epochs": 2})
