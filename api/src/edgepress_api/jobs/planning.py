"""Turns a planner's proposal into a plan."""

from collections.abc import Collection, Sequence

from pydantic import ValidationError

from edgepress_api.planners.planner import PlannerError, Proposal
from edgepress_common.plan import LatencyTables, Plan, make_plan
from edgepress_common.repeats import Repetition
from edgepress_common.spec import JobSpec


def plan_of_proposal(
    spec: JobSpec,
    proposal: Proposal,
    *,
    fingerprint: str,
    devices: Sequence[str],
    tables: LatencyTables,
    known: Collection[str] = (),
) -> Plan:
    """Return the steps of the pipelines that a proposal adds.

    Args:
        spec: The spec of the job.
        proposal: The proposal.
        fingerprint: Digest of the data set's content when the job was submitted.
        devices: Names of the devices that the spec's selectors stood for when the job was submitted.
        tables: Latency models of the targets of stages, as they were when the job was submitted.
        known: Names of the pipelines that the job has.

    Raises:
        PlannerError: The spec would not be accepted with these pipelines.
    """
    new = tuple(pipeline for pipeline in proposal.pipelines if proposal.seeds > 1 or pipeline.name not in known)
    if not new:
        return Plan(steps=(), pipelines=(), complete=proposal.complete)
    changes = {"pipelines": new, "search": None} | ({"seeds": proposal.seeds} if proposal.seeds > 1 else {})
    try:
        proposed = JobSpec.model_validate({**dict(spec), **changes})
    except ValidationError as error:
        raise PlannerError(f"the proposed pipelines are not valid: {error}") from error
    plan = make_plan(proposed, fingerprint=fingerprint, devices=devices, tables=tables)
    pipelines = (
        planned.model_copy(update={"trial": proposal.trials.get(Repetition.of(planned.name).pipeline)})
        for planned in plan.pipelines
        if planned.name not in known
    )
    return plan.model_copy(update={"complete": proposal.complete, "pipelines": tuple(pipelines)})
