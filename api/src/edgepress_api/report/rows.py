"""Composes the comparison from a job's steps.

1. Find the export of each evaluation that succeeded, by its input. It was written from the pipeline's last stage.
2. Read the median latency of the baseline on each device and with each number of threads.
3. Create a row for each number of threads of each evaluation. The figures of a row are read by their declarations in
   `edgepress_common.figures`.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgepress_api.report.baselines import size_ratios
from edgepress_api.report.explaining import explain
from edgepress_api.report.over_seeds import with_seeds
from edgepress_api.report.records import stage_summaries
from edgepress_api.report.row_figures import RowFigures
from edgepress_api.report.steps import ReportedJob, ReportedPipeline
from edgepress_common.answers.report import Baseline, Baselines, Ratios, ReportRow
from edgepress_common.figures.figure import Sample
from edgepress_common.latency_table import export_name
from edgepress_common.repeats import Repetition
from edgepress_common.results import (
    EvaluationResult,
    ExportResult,
    Latency,
    PredictedLatency,
    StageResult,
    ThreadMeasurement,
)
from edgepress_common.spec import METHODS
from edgepress_common.steps import ExportStep


@dataclass(frozen=True)
class _Measured:
    """An evaluation with the steps that it depends on."""

    pipeline: ReportedPipeline
    method: str
    kind: ExportStep
    options: str
    stages: tuple[StageResult, ...]
    export: ExportResult
    evaluation: EvaluationResult


def find_rows(job: ReportedJob, baselines: Baselines, figures: RowFigures | None = None) -> tuple[ReportRow, ...]:
    """Return the rows of the comparison, in the order of the spec.

    Args:
        job: The job.
        baselines: Files that ratios refer to.
        figures: Reader of the rows' figures, which then has the reasons for missing ones.
    """
    figures = figures or RowFigures()
    measured = [each for pipeline in job.pipelines for each in _measured(pipeline, job.method_of(pipeline))]
    pace = _baseline_pace(measured, baselines.float32_tflite)
    return with_seeds(
        [
            _row(
                each,
                measurement,
                baselines,
                pace.get((each.evaluation.device, measurement.threads)),
                figures.read(Sample(each.stages, each.export, each.evaluation, measurement)),
            )
            for each in measured
            for measurement in each.evaluation.measurements
        ]
    )


def _measured(pipeline: ReportedPipeline, method: str) -> Iterator[_Measured]:
    """Yield the evaluations of a pipeline: step 1 above."""
    by_key = {step.key: step for step in pipeline.steps}
    stages = tuple(step.result for step, _ in pipeline.stages if isinstance(step.result, StageResult))
    for step in pipeline.steps:
        if isinstance(step.result, EvaluationResult):
            export = by_key[step.inputs["model"]]
            # These have succeeded, because the evaluation has.
            assert isinstance(export.parameters, ExportStep)
            assert isinstance(export.result, ExportResult)
            assert len(stages) == len(pipeline.stages)
            options = export_options(export.parameters, pipeline)
            yield _Measured(pipeline, method, export.parameters, options, stages, export.result, step.result)


def export_options(of: ExportStep, pipeline: ReportedPipeline) -> str:
    """Return an export's options that are not the default ones, if the pipeline has several exports of the kind."""
    all_steps = (step.parameters for step in pipeline.steps)
    kinds = [each.export.kind for each in all_steps if isinstance(each, ExportStep)]
    if kinds.count(of.export.kind) == 1:
        return ""
    chosen = of.export.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
    return json.dumps(chosen)[1:-1].replace('"', "")


def _baseline_pace(measured: Sequence[_Measured], baseline: Baseline | None) -> dict[tuple[str, int], Latency]:
    """Return the latency of the baseline, by device and number of threads."""
    return {
        (each.evaluation.device, measurement.threads): measurement.latency_ms
        for each in measured
        if baseline is not None
        and each.pipeline.name == baseline.pipeline
        and each.kind.export.kind == "float32"
        and not each.evaluation.surroundings.emulated
        for measurement in each.evaluation.measurements
    }


def _row(
    measured: _Measured,
    measurement: ThreadMeasurement,
    baselines: Baselines,
    pace: Latency | None,
    figures: dict[str, Any],
) -> ReportRow:
    export, evaluation, latency = measured.export, measured.evaluation, measurement.latency_ms
    row = ReportRow(
        pipeline=measured.pipeline.name,
        method=measured.method,
        stages=stage_summaries(measured.pipeline),
        export=measured.kind.export.kind,
        options=measured.options,
        device=evaluation.device,
        threads=measurement.threads,
        latency_ms=latency,
        encoding=export.encoding,
        promises=export.promises,
        stage_epoch_seconds=tuple(each.epoch_seconds for each in measured.stages),
        model_sha256=evaluation.model_sha256,
        ratios=Ratios(
            float32_tflite=size_ratios(baselines.float32_tflite, export),
            float32_tflite_latency=pace.p50 / latency.p50 if pace is not None and latency.p50 > 0 else None,
            float32_tflite_latency_differs=None if pace is None else latency.differs_from(pace),
            keras_with_optimizer=size_ratios(baselines.keras_with_optimizer, export),
        ),
        emulated=evaluation.surroundings.emulated,
        throttled=evaluation.surroundings.throttled,
        surroundings=evaluation.surroundings,
        operator_times=evaluation.operator_times,
        confusion=evaluation.confusion,
        right_images=evaluation.right_images,
        tensors=export.tensors,
        test_confusion=None if evaluation.test is None else evaluation.test.confusion,
        test_right_images=None if evaluation.test is None else evaluation.test.right_images,
        operators=export.operators,
        work=_work(measured),
        spec_pipeline=Repetition.of(measured.pipeline.name).pipeline,
        seed=measured.pipeline.stages[0][1].training.seed,
        operator_groups=evaluation.operators,
        roofline=measurement.roofline,
        energy=measurement.energy,
        reliability=evaluation.reliability,
        predicted_latency=_predicted(measured, measurement.threads),
        **figures,
    )
    return row.model_copy(update={"explanations": explain(row)})


def _predicted(measured: _Measured, threads: int) -> PredictedLatency | None:
    """Return the latency that a stage had as its target, if the file is what it is the latency of.

    Args:
        measured: The evaluation.
        threads: Number of threads of the measurement.
    """
    found: PredictedLatency | None = None
    for result, (_, parameters) in zip(measured.stages, measured.pipeline.stages, strict=True):
        if METHODS[parameters.stage.kind].changes_shape or METHODS[parameters.stage.kind].starts_network:
            found = result.predicted_latency
    file = (measured.evaluation.device, export_name(measured.kind.export), threads)
    return found if found is not None and (found.device, found.export, found.threads) == file else None


def _work(measured: _Measured) -> str | None:
    """Return the digest of what an inference computes; see `ReportRow`."""
    export = measured.export
    if export.encoding == "sparse":  # kernels for sparse weights are faster with more zeros
        return None
    content = [
        measured.kind.export.kind,
        sorted(export.operators.items()),
        measured.stages[-1].parameters,
        measured.evaluation.surroundings.delegated_operators,
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
