"""The interface of a planner."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field

from edgepress_api.latency_model.samples import LatencyHistory
from edgepress_api.planners.results import PipelineResult
from edgepress_common.errors import EdgepressError
from edgepress_common.frozen import Frozen
from edgepress_common.spec import JobSpec, Pipeline
from edgepress_common.trial import Trial


class PlannerError(EdgepressError):
    """A job's planner is not installed, or its proposal is not valid."""


class Proposal(Frozen):
    """Pipelines that a planner adds to a job.

    Attributes:
        pipelines: The pipelines, in the order in which they are added. One whose name the job has already is ignored,
            so a planner may propose its whole plan each time.
        seeds: Number of seeds that each pipeline is trained with. The first is the pipeline itself; the others are
            pipelines whose names have their seed, see `edgepress_common.repeats`.
        trials: What a search records of the pipelines, by the pipeline's name; repetitions have the same.
        complete: Whether the planner will add no more pipelines. A proposal that adds no pipelines while no pipeline
            is active completes the plan as well.
    """

    pipelines: tuple[Pipeline, ...] = ()
    seeds: int = 1
    trials: dict[str, Trial] = Field(default_factory=dict)
    complete: bool = False


class PlannerJob(Frozen):
    """A job, as its planner sees it: the same each time it is asked.

    Attributes:
        spec: The spec of the job.
        devices: Names of the devices that each export is evaluated on.
        latency: What is known about the latency of networks: from before the job was submitted, and from the job. Empty
            without a search that limits latency.
    """

    spec: JobSpec
    devices: tuple[str, ...]
    latency: LatencyHistory = LatencyHistory()


class Planner(Protocol):
    """Proposes the pipelines of a job.

    `propose` is a pure function of its arguments: it keeps nothing between two calls, reads no clock, and draws random
    numbers only from a generator seeded with the spec's seed. Then a scheduler that is killed and started again
    proposes what the killed one would have proposed.

    Which pipelines have ended when a planner is asked depends on the speed of the machines. A planner whose plan must
    not depend on that waits until all pipelines of its last proposal have ended, and returns an empty proposal before.

    The scheduler does nothing else meanwhile, so a call should take a second at most.
    """

    @property
    def name(self) -> str:
        """Identifies the planner in the database: at most 40 characters, the same in every version."""
        ...

    def serves(self, spec: JobSpec) -> bool:
        """Whether jobs with this spec get their pipelines from this planner."""
        ...

    def propose(self, job: PlannerJob, results: Sequence[PipelineResult]) -> Proposal:
        """Return the pipelines to add.

        Args:
            job: The job.
            results: The pipelines of the job so far, in the order of its plan; none when the job is submitted.
        """
        ...
