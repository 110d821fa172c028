"""Works the comparison out from a job's steps.

1. Each evaluation that succeeded leads, by its input, to its export; that was made from the pipeline's last stage.
2. The baseline's pace is found, on each device and with each number of threads.
3. Each evaluation gives a row for each number of threads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgepress_api.recommendation.noise import wilson
from edgepress_api.report.baselines import size_ratios
from edgepress_api.report.document import Baseline, Baselines, Ratios, ReportRow
from edgepress_api.report.records import stage_summaries
from edgepress_api.report.steps import ReportedJob, ReportedPipeline
from edgepress_common.results import EvaluationResult, ExportResult, StageResult, ThreadMeasurement
from edgepress_common.steps import ExportStep


@dataclass(frozen=True)
class _Measured:
    """An evaluation with what it stands on."""

    pipeline: ReportedPipeline
    method: str
    kind: ExportStep
    stages: tuple[StageResult, ...]
    export: ExportResult
    evaluation: EvaluationResult


def find_rows(job: ReportedJob, baselines: Baselines) -> tuple[ReportRow, ...]:
    """The comparison, in the order of the spec."""
    measured = [each for pipeline in job.pipelines for each in _measured(pipeline, job.method_of(pipeline))]
    pace = _baseline_pace(measured, baselines.float32_tflite)
    return tuple(
        _row(each, measurement, baselines, pace.get((each.evaluation.device, measurement.threads)))
        for each in measured
        for measurement in each.evaluation.measurements
    )


def _measured(pipeline: ReportedPipeline, method: str) -> Iterator[_Measured]:
    """Step 1 of the module's walk-through."""
    by_key = {step.key: step for step in pipeline.steps}
    stages = tuple(step.result for step, _ in pipeline.stages if isinstance(step.result, StageResult))
    for step in pipeline.steps:
        if isinstance(step.result, EvaluationResult):
            export = by_key[step.inputs["model"]]
            # An evaluation can't have succeeded unless these had.
            assert isinstance(export.parameters, ExportStep)
            assert isinstance(export.result, ExportResult)
            assert len(stages) == len(pipeline.stages)
            yield _Measured(pipeline, method, export.parameters, stages, export.result, step.result)


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
    stage, export, evaluation = measured.stages[-1], measured.export, measured.evaluation
    p50_ms = measurement.latency_ms.p50
    interval = wilson(evaluation.accuracy, evaluation.images)
    return ReportRow(
        pipeline=measured.pipeline.name,
        method=measured.method,
        stages=stage_summaries(measured.pipeline),
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
        encoding=export.encoding,
        dense_size_bytes=export.dense_size_bytes,
        dense_zip_bytes=export.dense_zip_bytes,
        sparse_size_bytes=export.sparse_size_bytes,
        sparse_zip_bytes=export.sparse_zip_bytes,
        keras_bytes=stage.keras_bytes,
        keras_zip_bytes=stage.keras_zip_bytes,
        keras_with_optimizer_bytes=stage.keras_with_optimizer_bytes,
        keras_with_optimizer_zip_bytes=stage.keras_with_optimizer_zip_bytes,
        sparsity=export.sparsity,
        unique_weights_max=export.unique_weights_max,
        unique_weights_per_channel_max=export.unique_weights_per_channel_max,
        float_ops=sum(export.float_operators.values()),
        promises=export.promises,
        epoch_seconds=stage.epoch_seconds,
        stage_epoch_seconds=tuple(each.epoch_seconds for each in measured.stages),
        peak_memory_bytes=evaluation.peak_memory_bytes,
        model_sha256=evaluation.model_sha256,
        ratios=Ratios(
            float32_tflite=size_ratios(baselines.float32_tflite, export),
            float32_tflite_latency=baseline_p50_ms / p50_ms if baseline_p50_ms is not None and p50_ms > 0 else None,
            keras_with_optimizer=size_ratios(baselines.keras_with_optimizer, export),
        ),
        load_ms=measurement.load_ms,
        first_inference_ms=measurement.first_inference_ms,
        emulated=evaluation.surroundings.emulated,
        throttled=evaluation.surroundings.throttled,
        surroundings=evaluation.surroundings,
        operator_times=evaluation.operator_times,
        confusion=evaluation.confusion,
        right_images=evaluation.right_images,
        accuracy_low=interval.low,
        accuracy_high=interval.high,
    )
