"""Small jobs, and workers and devices that finish their steps without computing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from edgepress_common.artifacts import ArtifactRef
from edgepress_common.devices import Announcement
from edgepress_common.messages import Outputs, RunStep
from edgepress_common.promises import KeptPromise, LayerPromise
from edgepress_common.results import (
    EvaluationResult,
    ExportResult,
    Latency,
    PackResult,
    SplitResult,
    StageResult,
    StepResult,
    Surroundings,
    ThreadMeasurement,
)
from edgepress_common.spec import JobSpec
from edgepress_common.tensors import ModelDescription, TensorDescription

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgepress_api.database import Database
    from edgepress_api.steps.ledger import Ledger

ANNOUNCEMENT = Announcement(machine="x86_64", cores=2, memory_bytes=2**33, runtime="LiteRT 2", labels=("x86-64",))


def small_spec(**changes: object) -> JobSpec:
    """Handwritten digits, ResNet18, one pipeline with two exports, measured anywhere."""
    content: dict[str, object] = {
        "name": "digits",
        "dataset": {"kind": "builtin", "image_size": 32},
        "model": {"architecture": "resnet18"},
        "training": {"epochs": 2},
        "pipelines": [{"name": "base", "exports": ["float32", "int8"]}],
    }
    return JobSpec.model_validate(content | changes)


def artifact(letter: str, size_bytes: int = 100) -> ArtifactRef:
    """Return a reference to an artifact that is not stored."""
    return ArtifactRef(sha256=letter * 64, size_bytes=size_bytes)


INT8_TENSORS = ModelDescription(
    input=TensorDescription(name="input", type="int8", shape=(1, 32, 32, 3), scale=0.5, zero_point=-128),
    output=TensorDescription(name="output", type="int8", shape=(1, 2), scale=0.00390625, zero_point=-128),
)


def made_up(kind: str) -> tuple[Outputs, StepResult]:
    """Return possible results of a step of a kind."""
    match kind:
        case "pack":
            names = ("train_images", "train_labels", "validation_images", "validation_labels")
            result: StepResult = PackResult(classes=("0", "1"), train_counts=(8, 8), validation_counts=(2, 2))
            return {name: artifact(letter) for name, letter in zip(names, "abcd", strict=True)}, result
        case "stage":
            result = StageResult(
                epochs=(),
                val_accuracy=0.75,
                parameters=10,
                epoch_seconds=1.5,
                keras_bytes=400,
                keras_zip_bytes=300,
                keras_with_optimizer_bytes=1200,
                keras_with_optimizer_zip_bytes=900,
                promises=(LayerPromise(layer="dense", sparsity=0.5, clusters=16),),
            )
            return {"model": artifact("e")}, result
        case "export":
            result = ExportResult(
                size_bytes=100,
                zip_bytes=80,
                dense_size_bytes=100,
                dense_zip_bytes=80,
                sparse_size_bytes=110,
                sparse_zip_bytes=90,
                input_type="float32",
                output_type="float32",
                operators={"CONV_2D": 1},
                float_operators={},
                sparsity=0.5,
                unique_weights_max=16,
                unique_weights_per_channel_max=12,
                promises=(
                    KeptPromise(kind="sparsity", promised=0.5, found=0.5, layers=1, layer="dense"),
                    KeptPromise(kind="unique_weights", promised=16, found=16, layers=1, layer="dense"),
                    KeptPromise(kind="classes", promised=2, found=2),
                ),
                tensors=INT8_TENSORS,
                coded_bytes=60,
            )
            return {"tflite": artifact("f"), "coded": artifact("9")}, result
        case _:
            return {}, evaluation_result()


def with_test_split(result: StepResult) -> StepResult:
    """Return results as of a data set with a test split of three images of each class; for `Workforce.change`."""
    match result:
        case PackResult():
            return result.model_copy(update={"test_counts": (3, 3)})
        case EvaluationResult():
            return result.model_copy(update={"test": made_up_test()})
        case _:
            return result


def made_up_test() -> SplitResult:
    """Return made-up figures of a test split: four of six images are right."""
    return SplitResult(images=6, accuracy=4 / 6, precision=0.7, recall=0.67, f1=0.66, confusion=((3, 0), (2, 1)))


def evaluation_result(device: str = "pi") -> EvaluationResult:
    """Return a made-up measurement."""
    latency = Latency(runs=4, mean=2.0, std=0.1, min=1.9, p50=2.0, p90=2.1, p99=2.2, max=2.2)
    return EvaluationResult(
        device=device,
        images=4,
        accuracy=0.75,
        precision=0.8,
        recall=0.75,
        f1=0.77,
        confusion=((2, 0), (1, 1)),
        measurements=(
            ThreadMeasurement(
                threads=1, load_ms=1, first_inference_ms=3, latency_ms=latency, total_seconds=0.008, accuracy=0.75
            ),
        ),
        peak_memory_bytes=10_000_000,
        surroundings=Surroundings(machine="aarch64", cores=4, memory_bytes=2**32, kernel="Linux 6", runtime="LiteRT 2"),
        model_sha256="f" * 64,
    )


@dataclass
class Workforce:
    """A worker and a device that do every step they get at once, and note which; ``change`` changes what they find."""

    database: Database
    ledger: Ledger
    now: datetime
    device: str = "pi"
    announcement: Announcement = ANNOUNCEMENT
    change: Callable[[StepResult], StepResult] = lambda result: result

    def __post_init__(self) -> None:
        self.sent: list[RunStep] = []
        self.done: list[str] = []

    def announce(self) -> None:
        """The device asks for the first time."""
        from edgepress_api.devices.leasing import lease_next

        assert lease_next(self.database, self.ledger, self.device, self.announcement, self.now) is None

    def take(self, ahead: int = 100) -> list[RunStep]:
        """The steps that workers would be sent now."""
        from edgepress_api.scheduler.dispatch import choose_steps

        chosen = choose_steps(self.database, self.ledger, self.now, ahead=ahead)
        self.sent += chosen
        return chosen

    def finish(self, step: RunStep) -> bool:
        """A worker finishes a step it was sent."""
        outputs, result = made_up(step.parameters.kind)
        result = self.change(result)
        if isinstance(result, PackResult) and result.test_counts is not None:
            outputs = outputs | {"test_images": artifact("1"), "test_labels": artifact("2")}
        with self.database.write() as session:
            done = self.ledger.finish(
                session, step.step_key, step.attempt, outputs=outputs, result=result, now=self.now
            )
        self.done.append(step.parameters.kind)
        return done

    def evaluate(self) -> bool:
        """The device does the next evaluation, if there is one."""
        from edgepress_api.devices.leasing import lease_next

        lease = lease_next(self.database, self.ledger, self.device, self.announcement, self.now)
        if lease is None:
            return False
        with self.database.write() as session:
            self.ledger.finish(
                session,
                lease.step_key,
                lease.attempt,
                outputs={},
                result=self.change(evaluation_result()),
                now=self.now,
            )
        self.done.append("evaluation")
        return True

    def finish_all_steps(self) -> None:
        """Workers finish all that they can; evaluations wait for a device."""
        while steps := self.take():
            for step in steps:
                self.finish(step)

    def work_until_nothing_is_left(self) -> None:
        """Does everything that can be done."""
        while True:
            steps = self.take()
            for step in steps:
                self.finish(step)
            evaluated = self.evaluate()
            self.now += timedelta(seconds=1)
            if not steps and not evaluated:
                return
