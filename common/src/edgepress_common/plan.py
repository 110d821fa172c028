"""The plan of a job: its steps as a graph.

1. One step packs the data set; all others depend on it.
2. The stages of a pipeline follow one another. The first one trains, even if the spec does not list it.
3. Each export uses the model of the last stage, and the pack for calibration.
4. Each device measures each export.

Steps with equal keys are one step, so that work that pipelines have in common is done once.

With ``seeds``, all pipelines are repeated with further seeds. Where nothing random stands between, the repetitions
share their steps: the pack, a network that is used without training, and its float exports. A repetition that would be
the same steps again is left out.
"""

from collections.abc import Iterator, Sequence

from edgepress_common.frozen import Message
from edgepress_common.repeats import Repetition
from edgepress_common.spec import EXPORTS, METHODS, JobSpec, Network, Pipeline, Stage, TrainStage, UploadedModel
from edgepress_common.spec.export import CalibratedExport
from edgepress_common.spec.method import FineTuning, NewNetwork
from edgepress_common.spec.network_state import NEW_NETWORK
from edgepress_common.spec.order import after, with_choices_made
from edgepress_common.steps import EvaluationStep, ExportStep, PackStep, Role, StageStep, Step, StepKey, make_step

# TFMOT's guides fine-tune with a tenth to a hundredth of the learning rate of the initial training.
_FINE_TUNING_SLOWDOWN = 10


class PlannedPipeline(Message):
    """A pipeline and the steps that it needs, in an order in which they can run."""

    name: str
    steps: tuple[StepKey, ...]


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
        for pipeline in spec.pipeline_list():
            needed = {step.key: step for step in _pipeline_steps(spec, pipeline, pack, devices, offset=offset)}
            if (pipeline.name, tuple(needed)) in seen:
                continue
            seen.add((pipeline.name, tuple(needed)))
            steps |= needed
            seed = spec.training.seed + offset if offset else None
            pipelines.append(PlannedPipeline(name=Repetition(pipeline.name, seed).name, steps=tuple(needed)))
    return Plan(steps=tuple(steps.values()), pipelines=tuple(pipelines))


def _pipeline_steps(
    spec: JobSpec, pipeline: Pipeline, pack: Step, devices: Sequence[str], *, offset: int
) -> Iterator[Step]:
    yield pack
    stages = pipeline.stages
    if not stages or METHODS[stages[0].kind].takes is not None:
        stages = (TrainStage(), *stages)
    made: Step | None = None
    state = NEW_NETWORK
    for stage in stages:
        made = _stage_step(spec, with_choices_made(stage, state), pack, made, offset=offset)
        state = after(state, stage)
        yield made
    assert made is not None
    is_uploaded = isinstance(_network_of(made), UploadedModel)
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
                    full_pass=spec.evaluation.full_pass,
                ),
                {"pack": pack.key, "model": exported.key},
            )


def _stage_step(spec: JobSpec, stage: Stage, pack: Step, source: Step | None, *, offset: int) -> Step:
    inputs: dict[Role, StepKey] = {"pack": pack.key}
    takes = METHODS[stage.kind].takes
    if source is not None and takes is not None:
        inputs[takes] = source.key
    parameters = _effective(spec, stage, _network_of(source) or spec.model)
    return make_step(stage.kind, _with_seed(parameters, offset), inputs)


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
        return StageStep(
            stage=stage.model_copy(update=dict.fromkeys(fields)),
            model=method.own_network(stage) or spec.model,
            training=stage.training or spec.training,
        )
    epochs, rate = 0, spec.training.learning_rate / _FINE_TUNING_SLOWDOWN
    if isinstance(stage, FineTuning):
        epochs, rate = stage.epochs, stage.learning_rate or rate
        stage = stage.model_copy(update={"learning_rate": rate})
    # A trained network needs no warm-up. The promises of a stage are true only for the weights at its end.
    changes = {"epochs": epochs, "learning_rate": rate, "warmup_epochs": 0, "early_stopping": None}
    return StageStep(stage=stage, model=network, training=spec.training.model_copy(update=changes))
