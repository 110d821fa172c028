"""The baselines that the rows of a report are compared with; see `edgepress_common.answers.report`."""

from edgepress_api.report.steps import ReportedJob, ReportedPipeline
from edgepress_common.answers.report import Baseline, Baselines, SizeRatios
from edgepress_common.results import ExportResult, StageResult
from edgepress_common.steps import ExportStep


def find_baselines(job: ReportedJob) -> Baselines:
    """Return the baselines that are known so far."""
    pipelines = job.with_own_network()
    exports = [
        (pipeline, export)
        for pipeline in pipelines
        if len(pipeline.stages) == 1 and (export := _float32(pipeline)) is not None
    ]
    # Of one pipeline, where one has both.
    trained_by = [pipeline for pipeline, _ in exports] or pipelines
    trainings = [(pipeline, stage) for pipeline in trained_by if (stage := first_stage(pipeline)) is not None]
    return Baselines(
        float32_tflite=next(
            (
                Baseline(pipeline=pipeline.name, size_bytes=export.dense_size_bytes, zip_bytes=export.dense_zip_bytes)
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


def size_ratios(baseline: Baseline | None, export: ExportResult) -> SizeRatios | None:
    """Return how many times smaller an export is than a baseline; None without a baseline."""
    if baseline is None or not export.size_bytes or not export.zip_bytes:
        return None
    return SizeRatios(
        size=baseline.size_bytes / export.size_bytes,
        zip=baseline.zip_bytes / export.zip_bytes,
        size_to_zip=baseline.size_bytes / export.zip_bytes,
    )


def first_stage(pipeline: ReportedPipeline) -> StageResult | None:
    """Return the result of a pipeline's first stage; None until it has succeeded."""
    first, _ = pipeline.stages[0]
    return first.result if isinstance(first.result, StageResult) else None


def _float32(pipeline: ReportedPipeline) -> ExportResult | None:
    for step in pipeline.steps:
        is_float32 = isinstance(step.parameters, ExportStep) and step.parameters.export.kind == "float32"
        if is_float32 and isinstance(step.result, ExportResult):
            return step.result
    return None
