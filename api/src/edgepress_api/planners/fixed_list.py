"""The planner of a spec that lists its pipelines, or names a preset: it proposes once."""

from collections.abc import Sequence

from edgepress_api.database.tables import FIXED_LIST
from edgepress_api.planners.planner import PlannerJob, Proposal
from edgepress_api.planners.results import PipelineResult
from edgepress_common.spec import JobSpec


class FixedList:
    """See the module."""

    name = FIXED_LIST

    def serves(self, spec: JobSpec) -> bool:  # noqa: ARG002 - it is asked last
        """See `Planner.serves`."""
        return True

    def propose(self, job: PlannerJob, results: Sequence[PipelineResult]) -> Proposal:  # noqa: ARG002 - the protocol's
        """See `Planner.propose`."""
        return Proposal(pipelines=job.spec.pipeline_list(), complete=True)
