"""Gives a device the next evaluation it may take.

A device that shares its processors with workers measures nothing but their noise while they are at work. So it gets an
evaluation only when no worker has a step, and `workers_must_rest` keeps workers from getting one meanwhile: while it
measures, and while it has evaluations waiting of a job older than the workers' next.
"""

from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from edgepress_api.database import Database, DeviceRow, JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.jobs.following import UNDER_WAY
from edgepress_api.steps.ledger import Ledger
from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.results import PackResult
from edgepress_common.steps import EvaluationStep

# A device asks again at least every minute; one that has missed two turns is away.
ONLINE_FOR = timedelta(minutes=2)


def lease_next(
    database: Database, ledger: Ledger, name: str, announcement: Announcement, now: datetime
) -> EvaluationLease | None:
    """Notes what the device says of itself, and leases it the evaluation that has waited longest, if there is one."""
    if _is_known(database, name, announcement, now) and not _has_work(database, name):
        return None  # most of the time: nothing to write, nobody to wait for
    with database.write() as session:
        _announce(session, name, announcement, now)
        if announcement.shares_cpu and _workers_at_work(session):
            return None
        row = session.scalars(_waiting_for(name).limit(1)).one_or_none()
        if row is None or not ledger.lease(session, row, name, now):
            return None
        return _lease_of(session, row, ledger)


def workers_must_rest(session: Session, now: datetime) -> int | None:
    """Until which job's steps workers may be given: None for all, else only jobs with a smaller number."""
    sharing = [
        row.name
        for row in session.scalars(select(DeviceRow).where(DeviceRow.last_seen_at > now - ONLINE_FOR))
        if row.announcement.shares_cpu
    ]
    if not sharing:
        return None
    measuring = select(StepRow.key).where(StepRow.state == "running", StepRow.holder.in_(sharing)).limit(1)
    if session.scalar(measuring) is not None:
        return 0
    waiting = session.scalar(
        select(func.min(JobRow.number))
        .join(PipelineRow, PipelineRow.job_number == JobRow.number)
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .join(StepRow, StepRow.key == PipelineStepRow.step_key)
        .where(StepRow.state == "ready", StepRow.device.in_([*sharing, "any"]), JobRow.state.in_(UNDER_WAY))
    )
    return None if waiting is None else waiting + 1


def _is_known(database: Database, name: str, announcement: Announcement, now: datetime) -> bool:
    with database.read() as session:
        row = session.get(DeviceRow, name)
        return row is not None and row.announcement == announcement and now - row.last_seen_at < ONLINE_FOR / 8


def _has_work(database: Database, name: str) -> bool:
    with database.read() as session:
        return session.scalars(_waiting_for(name).limit(1)).one_or_none() is not None


def _announce(session: Session, name: str, announcement: Announcement, now: datetime) -> None:
    row = session.get(DeviceRow, name)
    if row is None:
        session.add(DeviceRow(name=name, announcement=announcement, first_seen_at=now, last_seen_at=now))
    else:
        row.announcement, row.last_seen_at = announcement, now


def _waiting_for(name: str) -> Select[StepRow]:
    return (
        select(StepRow)
        .where(
            StepRow.state == "ready", StepRow.kind == "evaluation", or_(StepRow.device == name, StepRow.device == "any")
        )
        .order_by(StepRow.created_at, StepRow.key)
    )


def _workers_at_work(session: Session) -> bool:
    busy = select(StepRow.key).where(StepRow.state.in_(["sent", "running"]), StepRow.kind != "evaluation").limit(1)
    return session.scalar(busy) is not None


def _lease_of(session: Session, row: StepRow, ledger: Ledger) -> EvaluationLease:
    sources = {
        entry.role: entry.source
        for entry in session.scalars(select(StepInputRow).where(StepInputRow.step_key == row.key))
    }
    pack, model = sources["pack"], sources["model"]
    assert isinstance(row.parameters, EvaluationStep)
    assert isinstance(pack.result, PackResult)
    assert pack.outputs is not None
    assert model.outputs is not None
    return EvaluationLease(
        step_key=row.key,
        attempt=row.attempt,
        lease_seconds=ledger.rules.lease.total_seconds(),
        parameters=row.parameters,
        model=model.outputs["tflite"],
        images=pack.outputs["validation_images"],
        labels=pack.outputs["validation_labels"],
        classes=pack.result.classes,
    )
