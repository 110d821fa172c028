"""Reads what a planner is asked with: the first argument of `Planner.propose`."""

from datetime import datetime

from sqlalchemy.orm import Session

from edgepress_api.database import JobRow
from edgepress_api.latency_model.history import latency_history
from edgepress_api.planners.planner import PlannerJob
from edgepress_api.planners.search.planner import deciding_device
from edgepress_common.spec import JobSpec


def planner_job(session: Session, job: JobRow) -> PlannerJob:
    """Return a stored job as its planner sees it."""
    return _with_latency(session, job.spec, job.devices or (), before=job.created_at, number=job.number)


def new_planner_job(session: Session, spec: JobSpec, devices: tuple[str, ...]) -> PlannerJob:
    """Return a job that is not stored yet as its planner sees it.

    Raises:
        InvalidSpecError: The search names a device that it can't decide by.
    """
    return _with_latency(session, spec, devices, before=None, number=None)


def _with_latency(
    session: Session, spec: JobSpec, devices: tuple[str, ...], *, before: datetime | None, number: int | None
) -> PlannerJob:
    job = PlannerJob(spec=spec, devices=devices)
    search = spec.searched()
    if search is None or search.limits.max_latency_ms is None:  # hundreds of results take a second to read
        return job
    history = latency_history(
        session,
        device=deciding_device(job),
        image_sizes=search.space.image_sizes or (spec.dataset.image_size,),
        before=before,
        job_number=number,
    )
    return job.model_copy(update={"latency": history})
