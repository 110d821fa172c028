"""The plan of a job: its steps as a graph.

1. One step packs the data set; all others depend on it. Where a stage cuts the network to another image size, another
   step packs the data set at that size: for that stage, the stages after it, their exports and evaluations.
2. The stages of a pipeline follow one another. The first one trains, even if the spec does not list it.
3. Each export uses the model of the last stage, and the pack for calibration.
4. Each device measures each export.
5. A stage with a teacher has the teacher's network as an input: it runs after the last stage of that pipeline.

Steps with equal keys are one step, so that work that pipelines have in common is done once.

With ``seeds``, all pipelines are repeated with further seeds. Where nothing random stands between, the repetitions
share their steps: the pack, a network that is used without training, and its float exports. A repetition that would be
the same steps again is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgepress_common.frozen import Message, added_field
from edgepress_common.repeats import Repetition
from edgepress_common.spec import EXPORTS, METHODS, JobSpec, Network, Pipeline, Stage, TrainStage, UploadedModel
from edgepress_common.spec.export import CalibratedExport
from edgepress_common.spec.method import Continuation, NewNetwork
from edgepress_common.spec.network_state import NEW_NETWORK
from edgepress_common.spec.order import after, with_choices_made
from edgepress_common.spec.pipeline import after_their_teachers, image_sizes
from edgepress_common.spec.teaching import SOURCE, Taught
from edgepress_common.spec.training import SEEDS
from edgepress_common.steps import (
    TEACHERS,
    EvaluationStep,
    ExportStep,
    PackStep,
    Role,
    StageStep,
    Step,
    StepKey,
    make_step,
)
from edgepress_common.trial import Trial

PROBE_IMAGES = 64
"""Images that a probe's file classifies: enough to show that it runs."""


class PlannedPipeline(Message):
    """A pipeline and the steps that it needs, in an order in which they can run.

    Attributes:
        trial: What the search records of it; None for a pipeline of the spec.
    """

    name: str
    steps: tuple[StepKey, ...]
    trial: Trial | None = added_field(None)


class Plan(Message):
    """The steps of a job, in an order in which they can run, and the steps of each pipeline.

    Attributes:
        steps: Current steps of the job.
        pipelines: Current pipelines of the job.
        complete: False while the job's planner may add pipelines.
    """

    steps: tuple[Step, ...]
    pipelines: tuple[PlannedPipeline, ...]
    complete: bool = True


def make_plan(spec: JobSpec, *, fingerprint: str, devices: Sequence[str]) -> Plan:
    """Return the plan that carries out a spec.

    Args:
        spec: The spec of the job.
        fingerprint: Digest of the data set's content, see `PackStep`.
        devices: Names of the devices that the spec selects.
    """
    pack = make_step("pack", PackStep(dataset=spec.dataset, fingerprint=fingerprint))
    steps: dict[StepKey, Step] = {}
    pipelines = []
    seen: set[tuple[str, tuple[StepKey, ...]]] = set()
    for offset in range(spec.seeds):
        networks: dict[str, Step] = {}  # the last stage of each pipeline, by name
        needed: dict[str, dict[StepKey, Step]] = {}
        for pipeline in after_their_teachers(spec.pipeline_list()):
            packs = list(_pack_steps(pipeline, pack))
            stages = list(_stage_steps(spec, pipeline, packs, networks, offset=offset))
            networks[pipeline.name] = stages[-1]
            exports = _export_steps(spec, pipeline, packs[-1], stages[-1], devices=devices, offset=offset)
            needed[pipeline.name] = {step.key: step for step in (*packs, *stages, *exports)}
            steps |= needed[pipeline.name]
        for pipeline in spec.pipeline_list():
            keys = tuple(needed[pipeline.name])
            if (pipeline.name, keys) in seen:
                continue
            seen.add((pipeline.name, keys))
            seed = spec.training.seed + offset if offset else None
            pipelines.append(PlannedPipeline(name=Repetition(pipeline.name, seed).name, steps=keys))
    return Plan(steps=tuple(steps.values()), pipelines=tuple(pipelines))


def _pack_steps(pipeline: Pipeline, pack: Step) -> Iterator[Step]:
    """Yield the pack that each stage uses, the implied training included."""
    assert isinstance(pack.parameters, PackStep)
    dataset = pack.parameters.dataset
    for size in image_sizes(_all_stages(pipeline), dataset.image_size):
        if size == dataset.image_size:
            yield pack
        else:
            at_size = dataset.model_copy(update={"image_size": size})
            yield make_step(f"pack at {size} pixels", pack.parameters.model_copy(update={"dataset": at_size}))


def _all_stages(pipeline: Pipeline) -> tuple[Stage, ...]:
    stages = pipeline.stages
    return stages if stages and METHODS[stages[0].kind].takes is None else (TrainStage(), *stages)


def _stage_steps(
    spec: JobSpec, pipeline: Pipeline, packs: Sequence[Step], networks: Mapping[str, Step], *, offset: int
) -> Iterator[Step]:
    made: Step | None = None
    trained: Step | None = None  # the latest stage that created a network
    state = NEW_NETWORK
    for stage, pack in zip(_all_stages(pipeline), packs, strict=True):
        method = METHODS[stage.kind]
        source = made if method.starts_network else trained
        inputs: dict[Role, StepKey] = {"pack": pack.key}
        if made is not None and method.takes == "model":
            inputs["model"] = made.key
        if isinstance(stage, Taught):
            teachers = (source if name == SOURCE else networks[name] for name in stage.teachers)
            inputs |= {role: step.key for role, step in zip(TEACHERS, teachers, strict=False) if step is not None}
        parameters = _effective(spec, with_choices_made(stage, state), _network_of(made) or spec.model)
        made = make_step(stage.kind, _with_seed(parameters, offset), inputs)
        trained = made if method.starts_network else trained
        state = after(state, stage)
        yield made


def _export_steps(
    spec: JobSpec, pipeline: Pipeline, pack: Step, made: Step, *, devices: Sequence[str], offset: int
) -> Iterator[Step]:
    is_uploaded = isinstance(_network_of(made), UploadedModel)
    is_probe = not any(METHODS[stage.kind].trains for stage in _all_stages(pipeline))
    for export in pipeline.exports:
        exported = make_step(
            export.kind,
            ExportStep(
                export=export,
                seed=spec.training.seed + (offset if isinstance(export, CalibratedExport) else 0),
                uploaded_code=EXPORTS[export.kind].uploaded_code_version if is_uploaded else 1,
            ),
            {"pack": pack.key, "model": made.key},
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
                    full_pass=spec.evaluation.full_pass and not is_probe,
                    images=PROBE_IMAGES if is_probe else None,
                    energy=spec.evaluation.energy and not is_probe,
                ),
                {"pack": pack.key, "model": exported.key},
            )


def _with_seed(parameters: StageStep, offset: int) -> StageStep:
    """Return a stage with a later seed; one that uses an uploaded network without training has nothing random."""
    training = parameters.training
    if not offset or (parameters.stage.kind == "train" and training.epochs == 0):
        return parameters
    seeded = training.model_copy(update={"seed": training.seed + offset})
    return parameters.model_copy(update={"training": seeded})


def _network_of(source: Step | None) -> Network | None:
    if source is None:
        return None
    assert isinstance(source.parameters, StageStep)
    return source.parameters.model


def _effective(spec: JobSpec, stage: Stage, network: Network) -> StageStep:
    """Return a stage with all settings resolved, so that explicit and implicit defaults result in the same key."""
    if isinstance(stage, NewNetwork):
        method = METHODS[stage.kind]
        # Settings that the step states next to the stage are removed from the stage, if they are optional there.
        fields = [
            name
            for name, field in method.parameters.model_fields.items()
            if name in {"training", method.network} and field.default is None
        ]
        training = stage.training or spec.training
        if not method.distributes:
            training = training.model_copy(update={"devices": "one"})
        return StageStep(
            stage=stage.model_copy(update=dict.fromkeys(fields) | {"seed_offset": 0}),
            model=method.own_network(stage) or spec.model,
            training=training.model_copy(update={"seed": (training.seed + stage.seed_offset) % SEEDS}),
        )
    # A trained network needs no warm-up. The promises of a stage are true only for the weights at its end.
    rate = spec.training.learning_rate / METHODS[stage.kind].slowdown
    changes: dict[str, Any] = {"epochs": 0, "learning_rate": rate, "warmup_epochs": 0, "early_stopping": None}
    changes |= {"devices": "one"}
    if isinstance(stage, Continuation):
        stage = stage.model_copy(update={"learning_rate": stage.learning_rate or rate})
        changes |= {"epochs": stage.epochs, "learning_rate": stage.learning_rate, "batch_norm_statistics": "estimated"}
    return StageStep(stage=stage, model=network, training=spec.training.model_copy(update=changes))
