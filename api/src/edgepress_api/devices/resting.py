"""Which workers get no steps, because a device of their machine measures or is about to.

A device that shares its processors with workers keeps those of its machine from getting steps while it measures. While
it has evaluations that wait, they get no steps of jobs newer than the oldest of these. Workers of other machines go on
(`edgepress_api.scheduler.places`). A device that does not name its machine keeps all workers from getting steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.database import DeviceRow, JobRow, PipelineRow, PipelineStepRow, StepRow
from edgepress_api.devices.leasing import ONLINE_FOR
from edgepress_common.answers.job_list import ACTIVE_STATES

_MEASURING = 0  # as a limit: of no job


@dataclass(frozen=True)
class Rest:
    """Limits on what workers can get at the moment.

    Attributes:
        limits: For each machine whose workers rest, the number of the first job whose steps they can't get. The machine
            None stands for every machine.
    """

    limits: Mapping[str | None, int]

    @property
    def is_measuring(self) -> bool:
        """Whether a device measures."""
        return _MEASURING in self.limits.values()

    def allows(self, job_number: int, machine_id: str | None) -> bool:
        """Return whether a step of a job can be sent to the workers of a machine; None for the queue of all workers."""
        machines = self.limits.keys() if machine_id is None else self.limits.keys() & {machine_id, None}
        return all(job_number < self.limits[each] for each in machines)


def find_rest(session: Session, now: datetime) -> Rest:
    """Return which workers rest now."""
    sharing = {
        row.name: row.announcement.machine_id
        for row in session.scalars(select(DeviceRow).where(DeviceRow.last_seen_at > now - ONLINE_FOR))
        if row.announcement.shares_cpu and row.announcement.problem is None
    }
    if not sharing:
        return Rest({})
    measuring = _measuring(session)
    waiting = _waiting(session)
    limits: dict[str | None, int] = {}
    for name, machine_id in sharing.items():
        jobs = [waiting[device] + 1 for device in (name, "any") if device in waiting]
        limit = _MEASURING if name in measuring else min(jobs, default=None)
        if limit is not None:
            limits[machine_id] = min(limit, limits.get(machine_id, limit))
    return Rest(limits)


def _measuring(session: Session) -> set[str | None]:
    """Return the devices that have leased an evaluation."""
    return set(session.scalars(select(StepRow.holder).where(StepRow.state == "running", StepRow.kind == "evaluation")))


def _waiting(session: Session) -> dict[str | None, int]:
    """Return the number of the oldest job that waits for each device; ``any`` as in `StepRow.device`."""
    query = (
        select(StepRow.device, func.min(JobRow.number))
        .join(PipelineStepRow, PipelineStepRow.step_key == StepRow.key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .where(StepRow.state == "ready", StepRow.kind == "evaluation", JobRow.state.in_(ACTIVE_STATES))
        .group_by(StepRow.device)
    )
    return dict(session.execute(query).all())
