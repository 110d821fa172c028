"""A job's steps as a graph.

1. The data set is packed: one step, that everything else stands on.
2. Each pipeline's stages follow one another; the first trains, whether the spec says so or not.
3. Each export takes the last stage's model, and the pack to calibrate on.
4. Each device measures each export.

Steps with equal keys are one step, so what pipelines have in common is done once.
"""

from collections.abc import Iterator, Sequence
from typing import assert_never

from edgepress_common.frozen import Frozen
from edgepress_common.spec import (
    ClusterStage,
    DistillStage,
    JobSpec,
    Network,
    Pipeline,
    PruneStage,
    QuantizeAwareStage,
    Stage,
    TrainStage,
)
from edgepress_common.spec.order import Carried, after, with_choices_made
from edgepress_common.steps import EvaluationStep, ExportStep, PackStep, Role, StageStep, Step, StepKey, make_step

# TFMOT's guides fine-tune at a tenth to a hundredth of the rate that the network was trained with.
_FINE_TUNING_SLOWDOWN = 10


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
    made: Step | None = None
    carried = Carried()
    for stage in stages:
        made = _stage_step(spec, with_choices_made(stage, carried), pack, made)
        carried = after(carried, stage)
        yield made
    assert made is not None
    for export in pipeline.exports:
        exported = make_step(
            export.kind, ExportStep(export=export, seed=spec.training.seed), {"pack": pack.key, "model": made.key}
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


def _stage_step(spec: JobSpec, stage: Stage, pack: Step, source: Step | None) -> Step:
    inputs: dict[Role, StepKey] = {"pack": pack.key}
    if source is not None:
        inputs["teacher" if stage.kind == "distill" else "model"] = source.key
    return make_step(stage.kind, _in_force(spec, stage, _network_of(source) or spec.model), inputs)


def _network_of(source: Step | None) -> Network | None:
    if source is None:
        return None
    assert isinstance(source.parameters, StageStep)
    return source.parameters.model


def _in_force(spec: JobSpec, stage: Stage, network: Network) -> StageStep:
    """A stage with its settings written out: saying outright what would be so anyway gives the same key."""
    match stage:
        case TrainStage():
            return StageStep(
                stage=TrainStage(), model=stage.model or spec.model, training=stage.training or spec.training
            )
        case DistillStage():
            return StageStep(
                stage=stage.model_copy(update={"training": None}),
                model=stage.student,
                training=stage.training or spec.training,
            )
        case PruneStage() | ClusterStage() | QuantizeAwareStage():
            rate = stage.learning_rate or spec.training.learning_rate / _FINE_TUNING_SLOWDOWN
            # A network that is trained already needs no warm-up, and what a stage promises is true at its end only.
            changes = {"epochs": stage.epochs, "learning_rate": rate, "warmup_epochs": 0, "early_stopping": None}
            return StageStep(
                stage=stage.model_copy(update={"learning_rate": rate}),
                model=network,
                training=spec.training.model_copy(update=changes),
            )
        case _ as unknown:
            assert_never(unknown)
