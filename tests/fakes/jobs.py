"""Small jobs, and somebody who does their steps without doing anything."""

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
    StageResult,
    StepResult,
    Surroundings,
    ThreadMeasurement,
)
from edgepress_common.spec import JobSpec

if TYPE_CHECKING:
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
    """An artifact that nobody has."""
    return ArtifactRef(sha256=letter * 64, size_bytes=size_bytes)


def made_up(kind: str) -> tuple[Outputs, StepResult]:
    """What a step of a kind could have given."""
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
            )
            return {"tflite": artifact("f")}, result
        case _:
            return {}, evaluation_result()


def evaluation_result() -> EvaluationResult:
    """A measurement that nobody made."""
    latency = Latency(runs=4, mean=2.0, std=0.1, min=1.9, p50=2.0, p90=2.1, p99=2.2, max=2.2)
    return EvaluationResult(
        device="pi",
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
    """A worker and a device that do every step they get at once, and note which."""

    database: Database
    ledger: Ledger
    now: datetime
    device: str = "pi"
    announcement: Announcement = ANNOUNCEMENT

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
                session, lease.step_key, lease.attempt, outputs={}, result=evaluation_result(), now=self.now
            )
        self.done.append("evaluation")
        return True

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
