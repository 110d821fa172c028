"""Running a stage: the artifact, and what is said of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_common.messages import Outputs
from edgepress_common.results import StageResult
from edgepress_common.spec.methods import METHODS
from edgepress_common.spec.methods.prune import PruneStage
from edgepress_common.spec.methods.train import TrainStage
from edgepress_common.spec.model import Model
from edgepress_common.spec.training import Augmentation, Training
from edgepress_common.steps import StageStep
from edgepress_worker import keras_files, zip_size
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.methods.registry import RUNNERS
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.training.state import TrainingState
from fakes.cancelling_context import CancellingContext
from fakes.step_context import PlainContext
from fakes.tiny_images import CLASSES, tiny_images

pytestmark = pytest.mark.slow


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


def _stops_after_an_epoch(folder: Path) -> PlainContext:
    return CancellingContext(folder, lambda progress: progress.epoch == 1)


def _run(folder: Path, make: Callable[[Path], PlainContext] = PlainContext, **changes: object) -> Stage:
    context, pack = make(folder), _pack()
    settings = {"epochs": 2, "batch_size": 16, "seed": 3, "precision": "float32"} | changes
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
    """Each stage that a spec may request has a method."""
    assert all(callable(RUNNERS[kind]) for kind in METHODS)


def test_a_training_with_augmentation_stores_what_it_saw(tmp_path: Path) -> None:
    """The first image of each class in each epoch; a stage that continues the network stores none again."""
    stage = _run(tmp_path, augmentation={"horizontal_flip": True, "rotation_degrees": 20})
    assert stage.result.augmented is not None
    assert stage.result.augmented.epochs == 2
    labels = [image.label for image in stage.result.augmented.images]
    assert labels == sorted({*stage.pack.train.labels.tolist()})[:4]
    stored = np.load(stage.context.store.local_path(stage.outputs["augmented_samples"].sha256))
    assert (stored.shape, stored.dtype) == ((2 * len(labels), *stage.pack.train.images.shape[1:]), np.uint8)
    step = StageStep(
        stage=PruneStage(epochs=1),
        model=Model(architecture="mobilenet", width=0.25, dropout=0.2),
        training=Training(batch_size=16, augmentation=Augmentation(horizontal_flip=True), precision="float32"),
    )
    source = stage.context.store.local_path(stage.outputs["model"].sha256)
    outputs, result = run_stage(step, Material(stage.pack, source, tmp_path), PlainContext(tmp_path / "prune"))
    assert (set(outputs), result.augmented) == ({"model"}, None)


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


def test_a_stage_writes_and_weighs_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state after each epoch, the model with and without the optimizer's state; each byte is deflated once.

    These take most of the time of a short stage that is not training.
    """
    calls: list[tuple[str, int]] = []  # appended to by several threads

    def counted(module: ModuleType | type, name: str, amount: Callable[..., int]) -> None:
        original = getattr(module, name)

        def function(*arguments: Any, **named: Any) -> Any:
            calls.append((name, amount(*arguments)))
            return original(*arguments, **named)

        monkeypatch.setattr(module, name, function)

    counted(keras_files, "save_model", lambda *_: 1)
    counted(keras_files, "weigh", lambda *_: 1)
    counted(TrainingState, "save", lambda *_: 1)
    counted(zip_size, "deflated", lambda path, start: path.stat().st_size - start)  # one block each
    result = _run(tmp_path).result
    counts: Counter[str] = Counter()
    for name, amount in calls:
        counts[name] += amount
    assert counts == {
        "save": 2, "save_model": 2, "weigh": 1, "deflated": result.keras_bytes + result.keras_with_optimizer_bytes,
    }  # fmt: skip


def test_compiling_is_apart_from_the_epochs(trained: Stage, tmp_path: Path) -> None:
    """The first epoch compiled; a stage of one epoch is measured without that, too."""
    first, second = trained.result.epochs
    assert 0 < first.compile_seconds < first.seconds
    assert second.compile_seconds == 0
    assert trained.result.epoch_seconds == pytest.approx((first.seconds - first.compile_seconds + second.seconds) / 2)
    alone = _run(tmp_path, epochs=1).result
    assert alone.epoch_seconds == pytest.approx(alone.epochs[0].seconds - alone.epochs[0].compile_seconds)
    assert alone.epoch_seconds < 0.8 * alone.epochs[0].seconds


def test_the_time_before_the_first_epoch_is_recorded(trained: Stage) -> None:
    """With the first epoch of an attempt, and not as a part of the epoch."""
    first, second = trained.result.epochs
    assert first.preparation_seconds > 0
    assert second.preparation_seconds == 0


def test_only_the_state_is_left_in_the_scratch_folder(trained: Stage) -> None:
    """The model itself was moved into the store."""
    assert [path.name for path in trained.context.scratch.iterdir()] == ["training"]


def test_same_step_gives_the_same_bytes(trained: Stage, tmp_path: Path) -> None:
    """It is trained again in a process that has trained before; another seed gives others."""
    keras.layers.Dense(3)  # a layer of an earlier step
    assert _run(tmp_path / "again").outputs == trained.outputs
    assert _run(tmp_path / "other", seed=4, epochs=1).outputs != trained.outputs


def test_mixed_precision_leaves_no_trace_in_the_file(trained: Stage, tmp_path: Path) -> None:
    """A model trained in 16 bits is stored as one that was trained in 32: the same layers, in float32."""
    mixed = _run(tmp_path, precision="mixed_bfloat16")
    assert mixed.model().get_config() == trained.model().get_config()
    assert mixed.outputs != trained.outputs
    assert mixed.result.keras_bytes == trained.result.keras_bytes
    assert mixed.result.precision == "mixed_bfloat16" != trained.result.precision


def test_a_training_continues_in_the_precision_that_it_began_with(tmp_path: Path) -> None:
    """Stopped after an epoch on a processor with bfloat16, it gives the bytes of one that was not stopped."""
    whole = _run(tmp_path / "whole", precision="mixed_bfloat16")
    with pytest.raises(StepCancelledError):
        _run(tmp_path / "stopped", _stops_after_an_epoch, precision="mixed_bfloat16")
    continued = _run(tmp_path / "stopped", precision="auto")
    assert (continued.result.precision, continued.result.resumed_after_epochs) == ("mixed_bfloat16", 1)
    assert continued.outputs == whole.outputs


def test_finished_training_is_only_stored_again(trained: Stage) -> None:
    """An attempt that starts after the last epoch gives the same artifact and the same sizes."""
    again = _run(trained.context.store.local_path(trained.outputs["model"].sha256).parents[2])
    assert again.result.resumed_after_epochs == 2
    assert again.outputs == trained.outputs
    assert again.result == trained.result.model_copy(update={"resumed_after_epochs": 2})
