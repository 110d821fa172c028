"""Computes the two tables of the study from a job's steps; see `edgepress_common.answers.report.tables`."""

from collections.abc import Iterable, Iterator

from edgepress_api.report.baselines import first_stage
from edgepress_api.report.steps import ReportedJob, ReportedPipeline
from edgepress_common.answers.report import AccuracyByExport, ExportAccuracy, SecondsPerEpoch
from edgepress_common.results import EvaluationResult, StageResult
from edgepress_common.stage_words import stage_summary
from edgepress_common.steps import ExportStep, StepKey


def find_accuracies(job: ReportedJob) -> tuple[AccuracyByExport, ...]:
    """Return an entry for each pipeline and device with at least one measured file, in the order of the spec."""
    return tuple(entry for pipeline in job.pipelines for entry in _accuracies(job, pipeline))


def find_seconds_per_epoch(job: ReportedJob) -> tuple[SecondsPerEpoch, ...]:
    """Return an entry for each stage that was run, each once."""
    plain = next((stage.epoch_seconds for p in job.with_own_network() if (stage := first_stage(p)) is not None), None)
    found: dict[StepKey, SecondsPerEpoch] = {}
    for pipeline in job.pipelines:
        before = []
        for step, parameters in pipeline.stages:
            before.append(parameters)
            # An uploaded network that is used without training has no epochs.
            if isinstance(step.result, StageResult) and parameters.training.epochs and step.key not in found:
                seconds = step.result.epoch_seconds
                found[step.key] = SecondsPerEpoch(
                    step_key=step.key,
                    method=job.method(before),
                    stage=parameters.stage.kind,
                    summary=stage_summary(parameters),
                    architecture=parameters.model.architecture,
                    pipelines=job.sharing(step.key),
                    epochs=len(step.result.epochs),
                    seconds=seconds,
                    times_plain_training=seconds / plain if plain else None,
                    compile_seconds=_known(epoch.compile_seconds for epoch in step.result.epochs),
                    preparation_seconds=_known(epoch.preparation_seconds for epoch in step.result.epochs),
                )
    return tuple(found.values())


def _known(parts: Iterable[float]) -> float | None:
    """Return a time that is recorded with epochs; None in results that are older, which have none."""
    return sum(parts) or None


def _accuracies(job: ReportedJob, pipeline: ReportedPipeline) -> Iterator[AccuracyByExport]:
    last, _ = pipeline.stages[-1]
    if not isinstance(last.result, StageResult):
        return
    by_device: dict[str, list[ExportAccuracy]] = {}
    exports = {step.key: step.parameters for step in pipeline.steps if isinstance(step.parameters, ExportStep)}
    for step in pipeline.steps:
        if isinstance(step.result, EvaluationResult):
            kind = exports[step.inputs["model"]].export.kind
            by_device.setdefault(step.result.device, []).append(
                ExportAccuracy(export=kind, accuracy=step.result.accuracy)
            )
    for device, measured in by_device.items():
        yield AccuracyByExport(
            pipeline=pipeline.name,
            method=job.method_of(pipeline),
            device=device,
            keras_accuracy=last.result.val_accuracy,
            exports=tuple(measured),
        )
