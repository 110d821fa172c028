"""Cost of compression: a training step of each stage against one of plain training, and the paper's whole matrix.

1. Each stage runs as a job would run it, in turn with a plain training of the same network: ten steps of the one, ten
   of the other. Ten, because pruning chooses its masks again every ten.
2. What a stage works on is made by the stages before it, trained for two steps: how good a network is does not matter
   to what a step costs.
3. The matrix's epochs are counted in the plan, and each weighs what its stage's step has been measured to cost: once
   as planned, where pipelines share what they have in common, and once pipeline by pipeline.

What an epoch costs in addition to its steps (validation, saving) is the same in all of them and not counted.
"""

from __future__ import annotations

import dataclasses
import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from alternating_stage import AlternatingStage
from edgepress_common.plan import Plan, make_plan
from edgepress_common.promises import LayerPromise
from edgepress_common.spec import (
    BuiltinDataset,
    ClusterStage,
    DistillStage,
    JobSpec,
    Model,
    Network,
    Pipeline,
    PruneStage,
    QuantizeAwareStage,
    Stage,
    TrainStage,
)
from edgepress_common.spec.presets import PRESETS
from edgepress_common.steps import TEACHERS, StageStep, Step, StepKey
from edgepress_worker.compression.codebooks import first_centroids
from edgepress_worker.compression.kernels import find_kernels
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.networks import build_network
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.training import begin_repeatable
from edgepress_worker.training.precision import computes_bfloat16
from fakes.step_context import PlainContext
from figures import Figure

_SIDE, _CLASSES, _BATCH = 64, 8, 32
_NETWORK = Model(architecture="resnet18")
_STEPS, _ROUNDS = 10, 5  # steps a round; rounds that count
_LIMIT, _LIMIT_OF_MATRIX = 1.5, 0.40
_SECONDS_OF_CENTROIDS = 10
_GAIN_OF_BFLOAT16 = 1.5

# In addition to the stages of the paper's matrix.
_MORE: tuple[Stage, ...] = (
    ClusterStage(clusters=16),
    ClusterStage(clusters=16, per_channel=True),
    PruneStage(teacher="source"),
)
_EXPORTS = PRESETS["paper"][0].exports


def measure() -> Iterator[Figure]:
    """ResNet18 at 64x64, batches of 32."""
    begin_repeatable(0)
    more = [Pipeline(name=str(number), stages=(stage,), exports=_EXPORTS) for number, stage in enumerate(_MORE)]
    matrix, plan = _planned(PRESETS["paper"]), _planned((*PRESETS["paper"], *more))
    costs = {f"train {_NETWORK.architecture}": 1.0}
    with tempfile.TemporaryDirectory() as name:
        bench = _Bench(plan, Path(name))
        for stage_name, step in _distinct(plan).items():
            stage = _stage(step)
            plain = f"train {stage.model.architecture}"
            if stage_name == plain and plain not in costs:
                # Another network: no stage, but what its stages are measured against.
                cost = bench.in_turn(step, _NETWORK)
                costs[plain] = cost.ratio
                yield cost.figure(f"{plain} / {_NETWORK.architecture}", limit=math.inf)
            elif stage_name != plain:
                cost = bench.in_turn(step, stage.model)
                costs[stage_name] = costs[plain] * cost.ratio
                yield cost.figure(f"{stage_name} / {plain}", limit=_LIMIT)
        if computes_bfloat16():
            (step,) = (each for each in plan.steps if each.title == "train" and _stage(each).model == _NETWORK)
            yield bench.in_16_bits(step)
    for clusters in (16, 32, 256):
        yield _first_centroids(clusters)
    yield _matrix(matrix, costs)


@dataclasses.dataclass(frozen=True)
class _Cost:
    """Medians over the rounds: seconds of a stage's training step, of plain training's, and of how many times as long.

    Each turn is divided by the adjacent one: the load of the machine changes more slowly than that.
    """

    seconds: float
    plain: float
    ratio: float

    def figure(self, name: str, *, limit: float) -> Figure:
        """For the table."""
        detail = f"{self.seconds * 1e3:.0f} ms a step, {self.plain * 1e3:.0f}"
        return Figure(name, self.ratio, "x", "" if math.isinf(limit) else f"<= {limit:g}", self.ratio <= limit, detail)


def _planned(pipelines: Sequence[Pipeline]) -> Plan:
    spec = JobSpec(name="bench", dataset=BuiltinDataset(image_size=_SIDE), model=_NETWORK, pipelines=tuple(pipelines))
    return make_plan(spec, fingerprint="", devices=())


def _stage(step: Step) -> StageStep:
    assert isinstance(step.parameters, StageStep)
    return step.parameters


def _distinct(plan: Plan) -> dict[str, Step]:
    """One stage of each name, plain trainings first."""
    stages = sorted((step for step in plan.steps if step.kind == "stage"), key=lambda step: step.title != "train")
    return {_name(_stage(step)): step for step in stages}


def _name(step: StageStep) -> str:
    """Return the properties of a stage that change its cost."""
    match step.stage:
        case TrainStage():
            return f"train {step.model.architecture}"
        case PruneStage(schedule=schedule):
            return f"prune, {schedule.kind}" + ", taught" * bool(step.stage.teachers)
        case ClusterStage() as stage:
            channel = " per channel" if stage.per_channel else ""
            zeros = ", zeros kept" if stage.preserve_sparsity else ""
            return f"cluster, {stage.clusters}{channel} {stage.centroids}{zeros}"
        case QuantizeAwareStage() as stage:
            return f"{'P' * bool(stage.preserve_sparsity)}{'C' * bool(stage.preserve_clusters)}QAT"
        case DistillStage():
            return f"distill to {step.model.architecture}"
        case other:
            return other.kind


class _Bench:
    """Runs stages of a plan in turn with plain trainings.

    Args:
        plan: Plan whose stages are measured.
        folder: Where they work.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._steps = {step.key: step for step in plan.steps}
        self._folder = folder
        self._pack = _pack(batches=_STEPS * (_ROUNDS + 2))  # one round more than is counted, and a reserve
        self._made: dict[StepKey, tuple[Path, tuple[LayerPromise, ...]]] = {}

    def in_turn(self, step: Step, model: Network) -> _Cost:
        """Return the cost of a training step of the stage, and of one of plain training of a network."""
        stage = _stage(step)
        plain = StageStep(stage=TrainStage(), model=model, training=stage.training)
        alone = Material(self._pack, None, self._folder)
        with (
            tempfile.TemporaryDirectory(dir=self._folder) as name,
            AlternatingStage(stage, self._material(step), Path(name) / "stage") as measured,
            AlternatingStage(plain, alone, Path(name) / "plain") as reference,
        ):
            rounds = [(measured.turn(_STEPS), reference.turn(_STEPS)) for _ in range(1 + _ROUNDS)][1:]
        keras.backend.clear_session()
        return _Cost(
            seconds=statistics.median(seconds for seconds, _ in rounds),
            plain=statistics.median(plain for _, plain in rounds),
            ratio=statistics.median(seconds / plain for seconds, plain in rounds),
        )

    def in_16_bits(self, step: Step) -> Figure:
        """Return how much faster a training step is in mixed_bfloat16 than in float32."""
        stage = _stage(step)
        with tempfile.TemporaryDirectory(dir=self._folder) as name, ExitStack() as stack:
            precise, mixed = (
                stack.enter_context(
                    AlternatingStage(
                        stage.model_copy(
                            update={"training": stage.training.model_copy(update={"precision": precision})}
                        ),
                        self._material(step),
                        Path(name) / precision,
                    )
                )
                for precision in ("float32", "mixed_bfloat16")
            )
            rounds = [(precise.turn(_STEPS), mixed.turn(_STEPS)) for _ in range(1 + _ROUNDS)][1:]
        keras.backend.clear_session()
        ratio = statistics.median(seconds / mixed for seconds, mixed in rounds)
        milliseconds = [f"{statistics.median(each) * 1e3:.0f}" for each in zip(*rounds, strict=True)]
        name, limit = f"train {stage.model.architecture}, float32 / mixed_bfloat16", f">= {_GAIN_OF_BFLOAT16:g}"
        return Figure(name, ratio, "x", limit, ratio >= _GAIN_OF_BFLOAT16, " ms a step, ".join(milliseconds))

    def _material(self, step: Step) -> Material:
        """Return the input of a stage, made once by a short training of the stages before it."""
        teachers = tuple(self._network(step.inputs[role])[0] for role in TEACHERS if role in step.inputs)
        if "model" not in step.inputs:
            return Material(self._pack, None, self._folder, teachers=teachers)
        file, promises = self._network(step.inputs["model"])
        return Material(self._pack, file, self._folder, promises, teachers=teachers)

    def _network(self, key: StepKey) -> tuple[Path, tuple[LayerPromise, ...]]:
        """Return the file of a stage's network and its promises."""
        if key not in self._made:
            step = self._steps[key]
            stage = _stage(step)
            short = stage.model_copy(update={"training": stage.training.model_copy(update={"epochs": 1})})
            material = dataclasses.replace(self._material(step), pack=_pack(batches=2))
            context = PlainContext(self._folder / key)
            outputs, result = run_stage(short, material, context)
            self._made[key] = context.store.local_path(outputs["model"].sha256), result.promises
        return self._made[key]


def _pack(batches: int) -> Pack:
    images = batches * _BATCH
    pixels = np.random.default_rng(0).integers(0, 256, (images, _SIDE, _SIDE, 3), dtype=np.uint8)
    part = LabelledImages(pixels, np.arange(images) % _CLASSES)
    few = LabelledImages(pixels[:_BATCH], part.labels[:_BATCH])
    return Pack(tuple(map(str, range(_CLASSES))), train=part, validation=few)


def _first_centroids(clusters: int) -> Figure:
    """Seconds they take for a whole network."""
    network = build_network(_NETWORK, image_size=_SIDE, classes=_CLASSES, downloads=Path())
    weights = [keras.backend.get_value(kernel.variable) for kernel in find_kernels(network)]
    start = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # as the stage
        few = {"per_channel": False, "keep_zeros": False}
        large = (each for each in weights if each.size > clusters)
        list(threads.map(lambda each: first_centroids(each, clusters, "kmeans_plus_plus", **few), large))
    seconds = time.perf_counter() - start
    name, limit = f"first centroids, {clusters} kmeans_plus_plus", f"<= {_SECONDS_OF_CENTROIDS}"
    return Figure(name, seconds, "s", limit, holds=seconds <= _SECONDS_OF_CENTROIDS, detail="once a stage")


def _matrix(plan: Plan, costs: dict[str, float]) -> Figure:
    """The training of the paper's pipelines as planned, against that of one pipeline after the other."""

    def epochs_and_cost(steps: Sequence[Step]) -> tuple[int, float]:
        stages = [_stage(step) for step in steps if step.kind == "stage"]
        epochs = [stage.training.epochs for stage in stages]
        return sum(epochs), sum(n * costs[_name(stage)] for n, stage in zip(epochs, stages, strict=True))

    by_key = {step.key: step for step in plan.steps}
    alone = [by_key[key] for pipeline in plan.pipelines for key in pipeline.steps]
    (epochs, cost), (epochs_alone, cost_alone) = epochs_and_cost(plan.steps), epochs_and_cost(alone)
    ratio = cost / cost_alone
    detail = f"{epochs} epochs, {epochs_alone} one by one; in epochs of {_NETWORK.architecture}: {cost:.0f}, "
    return Figure(
        "training of preset paper / its pipelines one by one",
        ratio,
        "x",
        f"<= {_LIMIT_OF_MATRIX:g}",
        ratio <= _LIMIT_OF_MATRIX,
        f"{detail}{cost_alone:.0f}",
    )
