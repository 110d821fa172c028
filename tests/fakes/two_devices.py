"""Trains on one device and on two, which are logical processors of TensorFlow's, and prints what it found as JSON.

A program of its own, since TensorFlow accepts logical devices only before it starts. Run by ``python two_devices.py
FOLDER``, with an empty folder.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from edgepress_common.errors import InvalidInputError, StepCancelledError
from edgepress_common.results import StageResult
from edgepress_common.spec.methods.train import TrainStage
from edgepress_common.spec.model import Model
from edgepress_common.spec.training import Training
from edgepress_common.steps import StageStep
from edgepress_worker.keras_environment import tf
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.training import begin_repeatable, train
from edgepress_worker.training.batches import validation_batches
from edgepress_worker.training.devices import on_devices
from fakes.cancelling_context import CancellingContext
from fakes.small_network import small_network, small_pack
from fakes.step_context import PlainContext
from fakes.tiny_images import CLASSES, tiny_images

_STEP = {
    "epochs": 1, "batch_size": 30, "optimizer": "sgd", "momentum": 0, "learning_rate": 0.1, "schedule": "constant",
    "precision": "float32", "class_weights": "balanced", "label_smoothing": 0.1,
}  # fmt: skip


class TwoDevices(BaseModel):
    """Findings of the program.

    Attributes:
        largest_move: Largest change of a weight by one step on one device.
        largest_difference: Largest difference between the weights after one step on one device and on two.
        stage: Result of a stage on two devices.
        accuracy: Validation accuracy of its stored network, on one device.
        digests: SHA-256 of the stored networks: of a stage, of its repetition, and of one that was interrupted.
        resumed_after_epochs: Number of epochs of the interrupted stage before the interruption.
        devices_with_bfloat16: Number of devices of a stage in mixed_bfloat16.
        refusal: Why batches of one image can't be divided.
    """

    largest_move: float
    largest_difference: float
    stage: StageResult
    accuracy: float
    digests: list[str]
    resumed_after_epochs: int
    devices_with_bfloat16: int
    refusal: str


def _after_a_step(folder: Path, devices: str) -> tuple[list[Any], list[Any]]:
    """Return the weights of a network before and after one step."""
    settings, pack = Training.model_validate(_STEP | {"devices": devices}), small_pack()
    begin_repeatable(settings.seed)
    with on_devices(settings, len(pack.train)):
        network = small_network()
        before = network.get_weights()
        train(network, pack, settings, PlainContext(folder))
    return before, network.get_weights()


def _stage(context: PlainContext, **changes: object) -> tuple[str, StageResult]:
    """Return the digest of a stage's stored network, and its result."""
    pack = Pack(CLASSES, LabelledImages(*tiny_images(32)), LabelledImages(*tiny_images(12, seed=1)))
    settings = {"epochs": 2, "batch_size": 16, "precision": "float32", "devices": "all"} | changes
    step = StageStep(
        stage=TrainStage(),
        model=Model(architecture="mobilenet", width=0.25, dropout=0.2),
        training=Training.model_validate(settings),
    )
    outputs, result = run_stage(step, Material(pack, None, context.scratch / "downloads"), context)
    return outputs["model"].sha256, result


def _stored_accuracy(context: PlainContext, sha256: str) -> float:
    model = load_model(context.store.local_path(sha256))
    images, labels = tiny_images(12, seed=1)
    batches = validation_batches(LabelledImages(images, labels), len(CLASSES), 4)
    return float(np.mean(np.argmax(model.predict(batches, verbose=0), axis=1) == labels))


def _interrupted(folder: Path) -> tuple[str, StageResult]:
    try:
        _stage(CancellingContext(folder, lambda progress: progress.epoch == 1))
    except StepCancelledError:
        return _stage(PlainContext(folder))
    raise AssertionError("the stage was not interrupted")


def _refusal(folder: Path) -> str:
    try:
        _stage(PlainContext(folder), batch_size=1)
    except InvalidInputError as error:
        return str(error)
    return ""


def main(folder: Path) -> None:
    """Find out all, and print it."""
    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    before, one = _after_a_step(folder / "one", "one")
    _, two = _after_a_step(folder / "two", "all")
    context = PlainContext(folder / "stage")
    digest, result = _stage(context)
    again, _ = _stage(PlainContext(folder / "again"))
    interrupted, resumed = _interrupted(folder / "interrupted")
    _, in_bfloat16 = _stage(PlainContext(folder / "bfloat16"), precision="mixed_bfloat16", epochs=1)
    found = TwoDevices(
        largest_move=max(float(np.abs(a - b).max()) for a, b in zip(before, one, strict=True)),
        largest_difference=max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True)),
        stage=result,
        accuracy=_stored_accuracy(context, digest),
        digests=[digest, again, interrupted],
        resumed_after_epochs=resumed.resumed_after_epochs,
        devices_with_bfloat16=in_bfloat16.devices,
        refusal=_refusal(folder / "refused"),
    )
    print(found.model_dump_json())  # noqa: T201 - this is its output


if __name__ == "__main__":
    main(Path(sys.argv[1]))
