"""Works a report out from a job's steps; touches no database.

1. Each evaluation that succeeded leads, by its inputs, to its export, and that to the stage it was made from.
2. The baselines are found among the exports and stages.
3. Each evaluation gives a row for each number of threads.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgepress_api.report.document import (
    Baseline,
    Baselines,
    FailureRecord,
    Ratios,
    ReportRow,
    SizeRatios,
    TrainingRecord,
)
from edgepress_common.messages import StepFailure
from edgepress_common.results import (
    EvaluationResult,
    ExportResult,
    PackResult,
    StageResult,
    StepResult,
    ThreadMeasurement,
)
from edgepress_common.steps import ExportStep, Role, StageStep, StepKey, StepParameters

BASE_METHOD = "base"


@dataclass(frozen=True)
class ReportedStep:
    """A step, as far as a report is concerned.

    Attributes:
        result: What it found; None unless it succeeded.
        failure: Why it failed; None unless it did.
    """

    key: StepKey
    title: str
    parameters: StepParameters
    inputs: Mapping[Role, StepKey]
    result: StepResult | None
    failure: StepFailure | None


@dataclass(frozen=True)
class ReportedPipeline:
    """A pipeline and its steps, in an order in which they can run."""

    name: str
    steps: tuple[ReportedStep, ...]

    @property
    def method(self) -> str:
        """What it does to the network: its stages, apart from the training that all begin with."""
        kinds = [step.parameters.stage.kind for step in self.steps if isinstance(step.parameters, StageStep)]
        return "+".join(kind for kind in kinds if kind != "train") or BASE_METHOD


@dataclass(frozen=True)
class _Measured:
    """An evaluation with what it stands on."""

    pipeline: ReportedPipeline
    kind: ExportStep
    stage: StageResult
    export: ExportResult
    evaluation: EvaluationResult


def find_pack(pipelines: Sequence[ReportedPipeline]) -> PackResult | None:
    """What the data set turned out to be, once it is packed."""
    results = (step.result for pipeline in pipelines for step in pipeline.steps)
    return next((result for result in results if isinstance(result, PackResult)), None)


def find_baselines(pipelines: Sequence[ReportedPipeline]) -> Baselines:
    """What the rows are compared with; see `edgepress_api.report.document`."""
    # Those that only train first; else in the spec's order.
    ordered = sorted(pipelines, key=lambda pipeline: pipeline.method != BASE_METHOD)
    exports = [(pipeline, export) for pipeline in ordered if (export := _float32(pipeline)) is not None]
    trained_by = [pipeline for pipeline, _ in exports] or ordered
    trainings = [(pipeline, stage) for pipeline in trained_by if (stage := _first_stage(pipeline)) is not None]
    return Baselines(
        float32_tflite=next(
            (
                Baseline(pipeline=pipeline.name, size_bytes=export.size_bytes, zip_bytes=export.zip_bytes)
                for pipeline, export in exports
            ),
            None,
        ),
        keras_with_optimizer=next(
            (
                Baseline(
                    pipeline=pipeline.name,
                    size_bytes=stage.keras_with_optimizer_bytes,
                    zip_bytes=stage.keras_with_optimizer_zip_bytes,
                )
                for pipeline, stage in trainings
            ),
            None,
        ),
    )


def find_rows(pipelines: Sequence[ReportedPipeline], baselines: Baselines) -> tuple[ReportRow, ...]:
    """The comparison, in the order of the spec."""
    measured = [each for pipeline in pipelines for each in _measured(pipeline)]
    pace = _baseline_pace(measured, baselines.float32_tflite)
    return tuple(
        _row(each, measurement, baselines, pace.get((each.evaluation.device, measurement.threads)))
        for each in measured
        for measurement in each.evaluation.measurements
    )


def find_trainings(pipelines: Sequence[ReportedPipeline]) -> tuple[TrainingRecord, ...]:
    """The stages that were run, each once."""
    found = {}
    for pipeline in pipelines:
        for step in pipeline.steps:
            if isinstance(step.parameters, StageStep) and isinstance(step.result, StageResult):
                found[step.key] = TrainingRecord(
                    step_key=step.key,
                    stage=step.parameters.stage.kind,
                    pipelines=_sharing(pipelines, step.key),
                    architecture=step.parameters.model.architecture,
                    parameters=step.result.parameters,
                    val_accuracy=step.result.val_accuracy,
                    epoch_seconds=step.result.epoch_seconds,
                    epochs=step.result.epochs,
                )
    return tuple(found.values())


def find_failures(pipelines: Sequence[ReportedPipeline]) -> tuple[FailureRecord, ...]:
    """What failed of itself, each once."""
    found = {}
    for pipeline in pipelines:
        for step in pipeline.steps:
            if step.failure is not None and step.failure.code != "input_failed":
                found[step.key] = FailureRecord(
                    step_key=step.key,
                    title=step.title,
                    pipelines=_sharing(pipelines, step.key),
                    code=step.failure.code,
                    message=step.failure.message,
                )
    return tuple(found.values())


def _measured(pipeline: ReportedPipeline) -> Iterator[_Measured]:
    """Step 1 of the module's walk-through."""
    by_key = {step.key: step for step in pipeline.steps}
    for step in pipeline.steps:
        if isinstance(step.result, EvaluationResult):
            export = by_key[step.inputs["model"]]
            stage = by_key[export.inputs["model"]]
            # An evaluation can't have succeeded unless these had.
            assert isinstance(export.parameters, ExportStep)
            assert isinstance(export.result, ExportResult)
            assert isinstance(stage.result, StageResult)
            yield _Measured(pipeline, export.parameters, stage.result, export.result, step.result)


def _float32(pipeline: ReportedPipeline) -> ExportResult | None:
    for step in pipeline.steps:
        is_float32 = isinstance(step.parameters, ExportStep) and step.parameters.export.kind == "float32"
        if is_float32 and isinstance(step.result, ExportResult):
            return step.result
    return None


def _first_stage(pipeline: ReportedPipeline) -> StageResult | None:
    stages = [step.result for step in pipeline.steps if isinstance(step.parameters, StageStep)]
    first = stages[0] if stages else None
    return first if isinstance(first, StageResult) else None


def _baseline_pace(measured: Sequence[_Measured], baseline: Baseline | None) -> dict[tuple[str, int], float]:
    """Median latency of the baseline in milliseconds, by device and threads."""
    return {
        (each.evaluation.device, measurement.threads): measurement.latency_ms.p50
        for each in measured
        if baseline is not None
        and each.pipeline.name == baseline.pipeline
        and each.kind.export.kind == "float32"
        and not each.evaluation.surroundings.emulated
        for measurement in each.evaluation.measurements
    }


def _row(
    measured: _Measured, measurement: ThreadMeasurement, baselines: Baselines, baseline_p50_ms: float | None
) -> ReportRow:
    stage, export, evaluation = measured.stage, measured.export, measured.evaluation
    p50_ms = measurement.latency_ms.p50
    return ReportRow(
        pipeline=measured.pipeline.name,
        method=measured.pipeline.method,
        export=measured.kind.export.kind,
        device=evaluation.device,
        threads=measurement.threads,
        accuracy=evaluation.accuracy,
        precision=evaluation.precision,
        recall=evaluation.recall,
        f1=evaluation.f1,
        latency_ms=measurement.latency_ms,
        total_seconds=measurement.total_seconds,
        images=evaluation.images,
        size_bytes=export.size_bytes,
        zip_bytes=export.zip_bytes,
        keras_bytes=stage.keras_bytes,
        keras_zip_bytes=stage.keras_zip_bytes,
        keras_with_optimizer_bytes=stage.keras_with_optimizer_bytes,
        keras_with_optimizer_zip_bytes=stage.keras_with_optimizer_zip_bytes,
        sparsity=export.sparsity,
        unique_weights_max=export.unique_weights_max,
        float_ops=sum(export.float_operators.values()),
        epoch_seconds=stage.epoch_seconds,
        peak_memory_bytes=evaluation.peak_memory_bytes,
        model_sha256=evaluation.model_sha256,
        ratios=Ratios(
            float32_tflite=_size_ratios(baselines.float32_tflite, export),
            float32_tflite_latency=baseline_p50_ms / p50_ms if baseline_p50_ms is not None and p50_ms > 0 else None,
            keras_with_optimizer=_size_ratios(baselines.keras_with_optimizer, export),
        ),
        load_ms=measurement.load_ms,
        first_inference_ms=measurement.first_inference_ms,
        emulated=evaluation.surroundings.emulated,
        throttled=evaluation.surroundings.throttled,
        surroundings=evaluation.surroundings,
        operator_times=evaluation.operator_times,
        confusion=evaluation.confusion,
    )


def _size_ratios(baseline: Baseline | None, export: ExportResult) -> SizeRatios | None:
    if baseline is None or not export.size_bytes or not export.zip_bytes:
        return None
    return SizeRatios(
        size=baseline.size_bytes / export.size_bytes,
        zip=baseline.zip_bytes / export.zip_bytes,
        size_to_zip=baseline.size_bytes / export.zip_bytes,
    )


def _sharing(pipelines: Sequence[ReportedPipeline], key: StepKey) -> tuple[str, ...]:
    return tuple(pipeline.name for pipeline in pipelines if any(step.key == key for step in pipeline.steps))
