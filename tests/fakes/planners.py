"""Planners that propose more than once: an extension, as ``EDGEPRESS_PLANNERS`` names it."""

from __future__ import annotations

from collections.abc import Sequence

from edgepress_api.planners.planner import PlannerJob, Proposal
from edgepress_api.planners.results import PipelineResult
from edgepress_common.spec import JobSpec, Pipeline, PruneStage

ENDED = {"succeeded", "partly_succeeded", "failed", "cancelled"}


class TwoProposals:
    """Proposes the spec's pipelines and, once they have ended, the smallest of their files pruned.

    The third proposal is empty, which completes the plan.
    """

    name = "two_proposals"

    def serves(self, spec: JobSpec) -> bool:
        """Return whether the name of the job requests this planner."""
        return spec.name.startswith("grows")

    def propose(self, job: PlannerJob, results: Sequence[PipelineResult]) -> Proposal:
        """See `Planner.propose`."""
        if not results:
            return Proposal(pipelines=job.spec.pipeline_list())
        if len(results) > len(job.spec.pipeline_list()) or any(result.state not in ENDED for result in results):
            return Proposal()
        found = [outcome for result in results for outcome in result.exports if outcome.evaluations[0].result]
        if not found:
            return Proposal()
        smallest = min(found, key=lambda outcome: outcome.result.size_bytes if outcome.result else 0)
        return Proposal(pipelines=(second_pipeline(smallest.export.kind),))


class FailingPlanner(TwoProposals):
    """Proposes once, and fails the second time; at once if the name of the job says so."""

    name = "failing"

    def serves(self, spec: JobSpec) -> bool:
        """Return whether the name of the job requests this planner."""
        return spec.name.startswith("fails")

    def propose(self, job: PlannerJob, results: Sequence[PipelineResult]) -> Proposal:
        """See `Planner.propose`."""
        if results or job.spec.name == "fails at once":
            raise ZeroDivisionError("a share of nothing")
        return super().propose(job, results)


def second_pipeline(kind: str) -> Pipeline:
    """Return the pipeline that `TwoProposals` adds when the smallest file is of a kind."""
    return Pipeline.model_validate({"name": f"pruned {kind}", "stages": [PruneStage(epochs=1)], "exports": [kind]})
