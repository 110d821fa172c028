"""A world in which each pipeline has made-up but plausible figures, to run a search in without training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Literal

from edgepress_api.latency_model.samples import LatencyHistory, MeasuredFile, work_name
from edgepress_api.planners.planner import PlannerJob, Proposal
from edgepress_api.planners.results import EvaluationOutcome, ExportOutcome, PipelineResult
from edgepress_api.planners.search.planner import SearchPlanner
from edgepress_common.latency_table import export_name
from edgepress_common.repeats import Repetition
from edgepress_common.results import OperatorWork
from edgepress_common.spec import (
    ClusterStage,
    DistillStage,
    JobSpec,
    Model,
    Pipeline,
    PruneChannelsStage,
    PruneStage,
    TrainStage,
)
from edgepress_common.spec.methods.probe import ProbeStage
from edgepress_common.spec.space import options, untrained
from fakes.jobs import evaluation_result, made_up, small_spec

# Milliseconds in int8 and megabytes in eight bits, at width 1.
_NETWORKS = {
    "resnet18": (2.0, 11.2),
    "resnet18_postactivation": (1.8, 11.2),
    "mobilenet_v2": (1.0, 2.3),
    "mobilenet_v3_small_minimalistic": (0.5, 0.44),
}


def search_spec(**search: object) -> JobSpec:
    """Return a spec with a search and nothing else."""
    content = small_spec().model_dump(exclude={"pipelines"}) | {"search": search, "training": {"epochs": 10}}
    return JobSpec.model_validate(content)


def made_up_work(network: Model, keep_macs: float) -> tuple[OperatorWork, ...]:
    """Return the work of a network with a nanosecond for each operation in int8, and one operator."""
    unit_ms, _ = _NETWORKS[network.architecture]
    macs = round(1e9 * unit_ms * network.width**2 * keep_macs)
    return (OperatorWork(kind="convolution", calls=1, macs=macs, weights=0, values=0),)


@dataclass
class MadeUpWorld:
    """Figures that depend on a pipeline's stages, on its seed and on nothing else.

    Attributes:
        noise: Half of the range of an accuracy's deviation, which depends on the pipeline and its seed.
        labels: With ``random`` labels, every accuracy is chance and noise.
        fails: Words that the description of a failing pipeline has.
        is_predictable: Whether a latency model can be fitted, as on a device that is not emulated.
        hours: Duration of a pipeline whose training has ten epochs.
    """

    noise: float = 0.002
    labels: Literal["true", "random"] = "true"
    fails: str = "nothing fails"
    is_predictable: bool = True
    hours: float = 0.5
    asked: int = field(default=0, init=False)

    def figures(self, pipeline: Pipeline, seed: int | None = None) -> tuple[float, float, int]:
        """Return accuracy, latency in milliseconds and coded size in bytes; a job's images have 32 pixels."""
        size, ms, accuracy = 0.0, 0.0, 0.96
        pixels = next((each for stage in pipeline.stages if (each := getattr(stage, "image_size", None))), 32)
        for stage in pipeline.stages:
            match stage:
                case TrainStage() | DistillStage():
                    network = getattr(stage, "student", None) or getattr(stage, "model", None)
                    name, width = ("resnet18", 1.0) if network is None else (network.architecture, network.width)
                    unit_ms, unit_size = _NETWORKS[name]
                    ms, size = unit_ms * width**2, unit_size * width**2
                    accuracy = 0.96 - 0.012 * log2(11.2 / size) + 0.006 * isinstance(stage, DistillStage)
                case ProbeStage():
                    assert isinstance(stage.model, Model)
                    ms = 1e-9 * made_up_work(stage.model, stage.keep_macs)[0].macs
                case PruneChannelsStage():
                    keep = stage.target.keep
                    ms, size, accuracy = ms * keep, size * keep, accuracy + 0.008 * log2(keep)
                case PruneStage():
                    zeros = stage.schedule.final_sparsity
                    size, accuracy = size * (1 - 0.9 * zeros), accuracy - 0.02 * zeros**3
                case ClusterStage():
                    size, accuracy = size * log2(stage.clusters) / 8, accuracy - 0.03 / stage.clusters
                case _:
                    accuracy += 0.004
        ms, accuracy = ms * (pixels / 32) ** 2, accuracy + 0.01 * log2(pixels / 32)
        export = pipeline.exports[0].kind
        size *= {"float32": 4.0, "int4": 0.55}.get(export, 1.0)
        ms *= {"float32": 3.0, "int4": 1.1}.get(export, 1.0)
        accuracy -= {"float32": 0.0, "int4": 0.03}.get(export, 0.005)
        accuracy -= 0.05 * _is_short(pipeline)
        if self.labels == "random":
            accuracy = 0.5
        return accuracy + self.noise * self._deviation(pipeline, seed), 0.1 + ms, int(1e6 * size) + 10_000

    def _deviation(self, pipeline: Pipeline, seed: int | None) -> float:
        """Return a number from -1 to 1."""
        content = f"{seed or 0} {pipeline.stages!r} {pipeline.exports!r}"
        return int.from_bytes(hashlib.sha256(content.encode()).digest()[:6]) / 2**47 - 1

    def outcome(self, pipeline: Pipeline, seed: int | None = None) -> tuple[ExportOutcome, ...]:
        """Return the only export of a pipeline, measured on the device ``pi``; as failed, if the pipeline fails."""
        (export,) = pipeline.exports
        if self.fails in repr(pipeline):
            lost = EvaluationOutcome(device="pi", state="failed", result=None)
            return (ExportOutcome(export=export, state="failed", result=None, evaluations=(lost,)),)
        accuracy, ms, coded = self.figures(pipeline, seed)
        measured = evaluation_result()
        (timing,) = measured.measurements
        latency = timing.latency_ms.model_copy(update={"p50": ms})
        measured = measured.model_copy(
            update={
                "accuracy": accuracy,
                "measurements": (timing.model_copy(update={"latency_ms": latency}),),
            }
        )
        result = made_up("export")[1].model_copy(update={"coded_bytes": coded})
        evaluation = EvaluationOutcome(device="pi", state="succeeded", result=measured)
        return (ExportOutcome(export=export, state="succeeded", result=result, evaluations=(evaluation,)),)

    def results(self, proposal: Proposal) -> list[PipelineResult]:
        """Return the results of what was proposed, repetitions with further seeds included."""
        found = []
        for seed in (None, *range(1, proposal.seeds)):
            for pipeline in proposal.pipelines:
                exports = self.outcome(pipeline, seed)
                found.append(
                    PipelineResult(
                        name=Repetition(pipeline.name, seed).name,
                        state="succeeded" if exports[0].result else "failed",
                        exports=exports,
                        trial=proposal.trials.get(pipeline.name),
                        seconds=3600 * self.hours * (0.34 if _is_short(pipeline) else 1),
                    )
                )
        return found

    def job(self, spec: JobSpec, results: Sequence[PipelineResult]) -> PlannerJob:
        """Return a job with the latency that its probes have shown."""
        search = spec.searched()
        assert search is not None
        choices = options(search.space, spec.model)
        files = []
        work: dict[str, tuple[OperatorWork, ...]] = {}
        for result in results:
            is_probe = result.trial is not None and result.trial.kind == "probe"
            if not is_probe or result.trial is None or result.state != "succeeded" or not self.is_predictable:
                continue
            network, keep = (choices[name][result.trial.choices[name]] for name in ("network", "keep_macs"))
            size = int(result.trial.choices.get("image_size", spec.dataset.image_size))
            area = (size / spec.dataset.image_size) ** 2
            described = {share: made_up_work(network, share * area) for share in choices["keep_macs"].values()}
            work |= {work_name(untrained(network), share, size): found for share, found in described.items()}
            measured = result.exports[0].evaluations[0].result
            assert measured is not None
            files.append(
                MeasuredFile(
                    device="pi",
                    runtime="made up",
                    processor="made up",
                    export=export_name(result.exports[0].export),
                    work=described[keep],
                    latency_ms={1: measured.measurements[0].latency_ms.p50},
                    is_probe=True,
                )
            )
        return PlannerJob(spec=spec, devices=("pi",), latency=LatencyHistory(files=tuple(files), work=work))

    def run(self, spec: JobSpec, results: Sequence[PipelineResult] = ()) -> list[PipelineResult]:
        """Return the results when the search is complete, from given results on."""
        planner = SearchPlanner()
        found = list(results)
        while not (proposal := planner.propose(self.job(spec, found), found)).complete:
            self.asked += 1
            names = {result.name for result in found}
            new = [result for result in self.results(proposal) if result.name not in names]
            assert new, "a proposal that adds nothing would complete the plan"
            found += new
        return found


def _is_short(pipeline: Pipeline) -> bool:
    trainings = [stage.training for stage in pipeline.stages if isinstance(stage, TrainStage | DistillStage)]
    return any(training is not None and training.epochs < 10 for training in trainings)
