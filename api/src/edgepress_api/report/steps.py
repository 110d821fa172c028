"""Steps and pipelines of a job as input of a report, independent of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgepress_common.messages import StepFailure
from edgepress_common.results import StepResult
from edgepress_common.spec import METHODS, JobSpec
from edgepress_common.steps import Role, StageStep, StepKey, StepParameters

BASE_METHOD = "base"


@dataclass(frozen=True)
class ReportedStep:
    """A step.

    Attributes:
        result: Its result; None unless it succeeded.
        failure: Why it failed; None unless it failed.
        seconds: Duration of the attempt that succeeded; None unless one succeeded.
        holder: Worker or device that ran it; None if not known.
        origin: Key and inputs with which another server has planned it; None for a step of this server.
    """

    key: StepKey
    title: str
    parameters: StepParameters
    inputs: Mapping[Role, StepKey]
    result: StepResult | None
    failure: StepFailure | None
    seconds: float | None = None
    holder: str | None = None
    origin: tuple[StepKey, Mapping[Role, StepKey]] | None = None


@dataclass(frozen=True)
class ReportedPipeline:
    """A pipeline and its steps, in an order in which they can run."""

    name: str
    steps: tuple[ReportedStep, ...]

    @property
    def stages(self) -> tuple[tuple[ReportedStep, StageStep], ...]:
        """Its stages, each with its parameters; the first trains."""
        return tuple((step, step.parameters) for step in self.steps if isinstance(step.parameters, StageStep))

    @property
    def is_probe(self) -> bool:
        """Whether its network is not trained: its files are measured for their latency alone, and are not compared."""
        return not any(METHODS[parameters.stage.kind].trains for _, parameters in self.stages)


@dataclass(frozen=True)
class ReportedJob:
    """A job's pipelines, in the order of its spec."""

    spec: JobSpec
    pipelines: tuple[ReportedPipeline, ...]

    def without_probes(self) -> "ReportedJob":
        """Return the job with the pipelines that are compared."""
        return ReportedJob(self.spec, tuple(pipeline for pipeline in self.pipelines if not pipeline.is_probe))

    def method(self, stages: Sequence[StageStep]) -> str:
        """Return the method of stages, in order from the first of a pipeline; see `ReportRow`."""
        after_training = stages[1:] if self._trains_own_network(stages[0]) else stages
        return " + ".join(step.stage.kind for step in after_training) or BASE_METHOD

    def method_of(self, pipeline: ReportedPipeline) -> str:
        """Return the method of all stages of a pipeline."""
        return self.method([parameters for _, parameters in pipeline.stages])

    def with_own_network(self) -> list[ReportedPipeline]:
        """The pipelines that begin by training the job's network, those with the job's own settings first."""
        found = [pipeline for pipeline in self.pipelines if self._trains_own_network(pipeline.stages[0][1])]
        return sorted(found, key=lambda pipeline: pipeline.stages[0][1].training != self.spec.training)

    def sharing(self, key: StepKey) -> tuple[str, ...]:
        """Return the names of the pipelines that need a step."""
        return tuple(pipeline.name for pipeline in self.pipelines if any(step.key == key for step in pipeline.steps))

    def _trains_own_network(self, step: StageStep) -> bool:
        is_own = step.stage.kind == "train" and step.model == self.spec.model
        return is_own and getattr(step.stage, "image_size", None) is None  # a network for other images is another one
