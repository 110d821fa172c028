"""The report of a job with the preset ``paper``: thirteen pipelines by five exports, all figures made up."""

from collections.abc import Sequence
from dataclasses import replace

from edgepress_api.report.composing import compose_report
from edgepress_api.report.steps import ReportedJob, ReportedPipeline
from edgepress_common.answers.job_list import JobSummary
from edgepress_common.answers.report import Report
from edgepress_common.messages import StepFailure
from edgepress_common.promises import KeptPromise
from edgepress_common.results import (
    Epoch,
    EvaluationResult,
    ExportResult,
    Latency,
    PackResult,
    StageResult,
    StepResult,
    Surroundings,
    ThreadMeasurement,
)
from edgepress_common.spec import ExportKind, JobSpec, StageKind
from edgepress_common.steps import EvaluationStep, ExportStep, PackStep, StageStep, Step
from fakes.job_gateway import BEGIN
from fakes.jobs import small_spec
from fakes.reported import reported_with

CLASSES = (
    "basophil", "eosinophil", "erythroblast", "immature granulocyte", "lymphocyte", "monocyte", "neutrophil", "platelet"
)  # fmt: skip
DEVICE = "pi4"
PLAIN_EPOCH_SECONDS = 32.0
FLOAT32_BYTES = {"resnet18": 44_700_000, "mobilenet_v2": 9_000_000}

_BYTES_A_WEIGHT: dict[ExportKind, float] = {"float32": 4, "float16": 2, "dynamic": 1, "int16x8": 1.01, "int8": 1}
_LATENCY_MS: dict[ExportKind, float] = {"float32": 71.3, "float16": 72.9, "dynamic": 40.1, "int16x8": 486, "int8": 29.6}
_EPOCH_COST: dict[StageKind, float] = {
    "train": 1, "prune": 1.06, "cluster": 1.17, "quantize_aware": 1.38, "distill": 1.24
}  # fmt: skip


def paper_spec(**changes: object) -> JobSpec:
    """The whole matrix."""
    return small_spec(name="blood cells, the study", pipelines="paper", training={"epochs": 11}, **changes)


def paper_job() -> ReportedJob:
    """Its steps, all done."""
    return reported_with(paper_spec(), _result, (DEVICE,))


def with_broken_promise(job: ReportedJob, pipeline: str, title: str, message: str) -> ReportedJob:
    """The job with one export of a pipeline broken, and never measured."""

    def broken(whole: ReportedPipeline) -> ReportedPipeline:
        steps = []
        for step in whole.steps:
            if step.title == title:
                failure = StepFailure(code="broken_promise", message=message, retryable=False)
                steps.append(replace(step, result=None, failure=failure))
            elif step.title == f"{title} on {DEVICE}":
                failure = StepFailure(code="input_failed", message=f"needs {title!r}", retryable=False)
                steps.append(replace(step, result=None, failure=failure))
            else:
                steps.append(step)
        return replace(whole, steps=tuple(steps))

    return replace(job, pipelines=tuple(broken(each) if each.name == pipeline else each for each in job.pipelines))


def paper_report(job: ReportedJob | None = None) -> Report:
    """Its report."""
    summary = JobSummary(
        id="job-1", name="blood cells, the study", state="succeeded", created_at=BEGIN, finished_at=BEGIN, error=None
    )
    return compose_report(summary, job or paper_job())


def _result(step: Step, stages: Sequence[StageStep]) -> StepResult:
    match step.parameters:
        case PackStep():
            return PackResult(classes=CLASSES, train_counts=(600,) * 8, validation_counts=(200,) * 8)
        case StageStep():
            return _stage(stages)
        case ExportStep() as parameters:
            return _export(parameters.export.kind, stages)
        case EvaluationStep():
            kind = next(kind for kind in _BYTES_A_WEIGHT if step.title.startswith(f"{kind} on "))
            return _evaluation(kind, stages)


def _kinds(stages: Sequence[StageStep]) -> list[StageKind]:
    return [stage.stage.kind for stage in stages]


def _accuracy(stages: Sequence[StageStep]) -> float:
    kinds = _kinds(stages)
    base = 0.945 if stages[-1].model.architecture == "resnet18" else 0.905 + 0.022 * ("distill" in kinds)
    return base - 0.004 * ("prune" in kinds) - 0.003 * ("cluster" in kinds) + 0.002 * ("quantize_aware" in kinds)


def _stage(stages: Sequence[StageStep]) -> StageResult:
    last, accuracy = stages[-1], _accuracy(stages)
    seconds = PLAIN_EPOCH_SECONDS * _EPOCH_COST[last.stage.kind] * (1 if last.model.architecture == "resnet18" else 0.8)
    count = last.training.epochs
    size_bytes = FLOAT32_BYTES[last.model.architecture]
    return StageResult(
        epochs=tuple(
            Epoch(
                epoch=at,
                loss=1.2 / at,
                accuracy=accuracy - 0.3 / at,
                val_loss=1.3 / at + 0.1,
                val_accuracy=accuracy - 0.35 * (1 / at - 1 / count),
                learning_rate=0.001,
                seconds=seconds + (9 if at == 1 else 0),
            )
            for at in range(1, count + 1)
        ),
        val_accuracy=accuracy,
        parameters=size_bytes // 4,
        epoch_seconds=seconds,
        keras_bytes=size_bytes,
        keras_zip_bytes=int(0.93 * size_bytes),
        keras_with_optimizer_bytes=3 * size_bytes,
        keras_with_optimizer_zip_bytes=int(2.8 * size_bytes),
    )


def _export(kind: ExportKind, stages: Sequence[StageStep]) -> ExportResult:
    kinds = _kinds(stages)
    pruned, clustered = "prune" in kinds, "cluster" in kinds
    integers_only = kind in {"int16x8", "int8"}
    dense = int(FLOAT32_BYTES[stages[-1].model.architecture] / 4 * _BYTES_A_WEIGHT[kind])
    sparse = int(dense * (0.63 if kind == "float32" else 0.78 if kind == "float16" else 1.03)) if pruned else None
    is_sparse = sparse is not None and sparse < dense
    zipped = int(dense * 0.92 * (0.6 if pruned else 1) * (0.4 if clustered else 1))
    return ExportResult(
        size_bytes=sparse if sparse is not None and is_sparse else dense,
        zip_bytes=zipped,
        encoding="sparse" if is_sparse else "dense",
        dense_size_bytes=dense,
        dense_zip_bytes=zipped,
        sparse_size_bytes=sparse,
        sparse_zip_bytes=None if sparse is None else zipped + 4000,
        input_type="int8" if kind == "int8" else "float32",
        output_type="int8" if kind == "int8" else "float32",
        operators={"CONV_2D": 21},
        float_operators={} if integers_only else {"CONV_2D": 21, "ADD": 37},
        sparsity=0.5003 if pruned else 0.0001,
        unique_weights_max=16 if clustered else 255 if integers_only else 2_359_296,
        unique_weights_per_channel_max=16 if clustered else 255 if integers_only else 4608,
        promises=_promises(integers_only=integers_only, pruned=pruned, clustered=clustered),
    )


def _promises(*, integers_only: bool, pruned: bool, clustered: bool) -> tuple[KeptPromise, ...]:
    promises = [KeptPromise(kind="classes", promised=8, found=8)]
    if pruned:
        found = 0.5012 if integers_only else 0.5
        promises.append(KeptPromise(kind="sparsity", promised=0.5, found=found, layers=21, layer="stage1_unit1_conv1"))
    if clustered:
        kind = "unique_weights" if integers_only else "unique_weights_per_channel"
        promises.append(KeptPromise(kind=kind, promised=16, found=16, layers=21, layer="stage4_unit2_conv2"))
    if integers_only:
        promises.append(KeptPromise(kind="float_operators", promised=0, found=0))
    return tuple(promises)


def _evaluation(kind: ExportKind, stages: Sequence[StageStep]) -> EvaluationResult:
    kinds = _kinds(stages)
    accuracy = _accuracy(stages)
    if kind == "int8" and "quantize_aware" not in kinds:
        accuracy -= 0.0125
    p50 = _LATENCY_MS[kind] * (1 if stages[-1].model.architecture == "resnet18" else 0.45)
    right = round(200 * accuracy)
    return EvaluationResult(
        device=DEVICE,
        images=1600,
        accuracy=accuracy,
        precision=accuracy,
        recall=accuracy,
        f1=accuracy - 0.001,
        confusion=tuple(
            tuple(right if true == said else 200 - right if said == (true + 1) % 8 else 0 for said in range(8))
            for true in range(8)
        ),
        measurements=(
            ThreadMeasurement(
                threads=4,
                load_ms=11,
                first_inference_ms=1.4 * p50,
                latency_ms=Latency(
                    runs=50, mean=p50, std=0.1, min=p50, p50=p50, p90=1.05 * p50, p99=1.2 * p50, max=1.3 * p50
                ),
                total_seconds=1.6 * p50,
                accuracy=accuracy,
            ),
        ),
        peak_memory_bytes=62_000_000,
        surroundings=Surroundings(
            board="Raspberry Pi 4 Model B Rev 1.4",
            cpu="Cortex-A72",
            machine="aarch64",
            cores=4,
            memory_bytes=2**32,
            kernel="Linux 6.6",
            runtime="LiteRT 2.3.0",
            delegate="XNNPACK",
        ),
        model_sha256="a" * 64,
    )
