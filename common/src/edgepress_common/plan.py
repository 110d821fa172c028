"""A job's steps as a graph.

1. The data set is packed: one step, that everything else stands on.
2. Each pipeline's stages follow one another; the first trains, whether the spec says so or not.
3. Each export takes the last stage's model, and the pack to calibrate on.
4. Each device measures each export.

Steps with equal keys are one step, so what pipelines have in common is done once.
"""

from collections.abc import Iterator, Sequence

from edgepress_common.frozen import Frozen
from edgepress_common.spec import JobSpec, Pipeline, TrainStage
from edgepress_common.steps import EvaluationStep, ExportStep, PackStep, Role, StageStep, Step, StepKey, make_step


class PlannedPipeline(Frozen):
    """A pipeline and the steps it needs, in an order in which they can run."""

    name: str
    steps: tuple[StepKey, ...]


class Plan(Frozen):
    """All steps of a job, in an order in which they can run, and which pipeline needs which."""

    steps: tuple[Step, ...]
    pipelines: tuple[PlannedPipeline, ...]


def make_plan(spec: JobSpec, *, fingerprint: str, devices: Sequence[str]) -> Plan:
    """The steps that carry out a spec.

    Args:
        spec: What was posted.
        fingerprint: Digest of the data set's content, see `PackStep`.
        devices: The devices' names that the spec's selectors stand for.
    """
    pack = make_step("pack", PackStep(dataset=spec.dataset, fingerprint=fingerprint))
    steps: dict[StepKey, Step] = {}
    pipelines = []
    for pipeline in spec.pipeline_list():
        needed = {step.key: step for step in _pipeline_steps(spec, pipeline, pack, devices)}
        steps |= needed
        pipelines.append(PlannedPipeline(name=pipeline.name, steps=tuple(needed)))
    return Plan(steps=tuple(steps.values()), pipelines=tuple(pipelines))


def _pipeline_steps(spec: JobSpec, pipeline: Pipeline, pack: Step, devices: Sequence[str]) -> Iterator[Step]:
    yield pack
    stages = pipeline.stages
    if not stages or stages[0].kind != "train":
        stages = (TrainStage(), *stages)
    model: Step | None = None
    for stage in stages:
        model = _stage_step(spec, stage, pack, model)
        yield model
    assert model is not None
    for export in pipeline.exports:
        exported = make_step(
            export.kind, ExportStep(export=export, seed=spec.training.seed), {"pack": pack.key, "model": model.key}
        )
        yield exported
        for device in devices:
            yield make_step(
                f"{export.kind} on {device}",
                EvaluationStep(
                    device=device,
                    threads=spec.evaluation.threads,
                    warmup_runs=spec.evaluation.warmup_runs,
                    runs=spec.evaluation.runs,
                    full_pass=spec.evaluation.full_pass,
                ),
                {"pack": pack.key, "model": exported.key},
            )


def _stage_step(spec: JobSpec, stage: TrainStage, pack: Step, source: Step | None) -> Step:
    parameters = StageStep(
        # What the stage overrides is written out beside it, so that saying so or not gives the same key.
        stage=TrainStage(),
        model=stage.model or spec.model,
        training=stage.training or spec.training,
    )
    inputs: dict[Role, StepKey] = {"pack": pack.key}
    if source is not None:
        inputs["model"] = source.key
    return make_step(stage.kind, parameters, inputs)
