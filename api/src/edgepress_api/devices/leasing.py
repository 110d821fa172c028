"""Leases a device the next evaluation that it can take.

A device that shares its processors with workers measures only their noise while they are running. So it gets an
evaluation only when no worker of its machine has a step or can take one from a queue. `edgepress_api.devices.resting`
keeps workers of the machine from getting one meanwhile.
"""

from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select, true
from sqlalchemy.orm import Session

from edgepress_api.database import Database, DeviceRow, StepInputRow, StepRow
from edgepress_api.devices.requests import is_known, is_withdrawn, leased_for, note_lease
from edgepress_api.steps.ledger import Ledger
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.errors import ConflictError
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult
from edgepress_common.steps import EvaluationStep

# A device asks again at least every minute; one that has missed two requests is offline.
ONLINE_FOR = timedelta(minutes=2)


def lease_next(
    database: Database,
    ledger: Ledger,
    name: str,
    announcement: Announcement,
    now: datetime,
    *,
    request: str | None = None,
) -> EvaluationLease | None:
    """Record the announcement of a device, and lease it the evaluation that has waited longest, if there is one.

    Args:
        database: The database of the steps.
        ledger: The ledger that changes their states.
        name: Name of the device.
        announcement: What the device says of itself.
        now: The current time.
        request: Name of the request, see `edgepress_api.devices.requests`; None from an evaluator that gives none.

    Raises:
        ConflictError: Another device that goes by the name is online.
    """
    can_take = announcement.problem is None
    if _is_announced(database, name, announcement, now) and not (
        can_take and _has_work(database, name, announcement, request)
    ):
        return None  # most of the time: nothing to write, no other writer to wait for
    with database.write() as session:
        _announce(session, name, announcement, now)
        if not can_take or is_withdrawn(session, name, request):
            return None
        repeated = leased_for(session, name, request)
        if repeated is not None:
            ledger.renew(session, repeated.key, repeated.attempt, holder=name, progress=None, now=now)
            return _lease_of(session, repeated, ledger, announcement)
        if announcement.shares_cpu and _workers_at_work(session, announcement.machine_id):
            return None
        row = session.scalars(_waiting_for(name).limit(1)).one_or_none()
        if row is None or not ledger.lease(session, row, name, now):
            return None
        note_lease(session, name, request, row)
        return _lease_of(session, row, ledger, announcement)


def _is_announced(database: Database, name: str, announcement: Announcement, now: datetime) -> bool:
    with database.read() as session:
        row = session.get(DeviceRow, name)
        return row is not None and row.announcement == announcement and now - row.last_seen_at < ONLINE_FOR / 4


def _has_work(database: Database, name: str, announcement: Announcement, request: str | None) -> bool:
    with database.read() as session:
        if is_known(session, name, request):
            return True
        if announcement.shares_cpu and _workers_at_work(session, announcement.machine_id):
            return False
        return session.scalars(_waiting_for(name).limit(1)).first() is not None


def _announce(session: Session, name: str, announcement: Announcement, now: datetime) -> None:
    row = session.get(DeviceRow, name)
    if row is None:
        session.add(DeviceRow(name=name, announcement=announcement, first_seen_at=now, last_seen_at=now))
        return
    if _is_another(row.announcement, announcement):
        if now - row.last_seen_at < ONLINE_FOR:
            raise ConflictError(
                f"another device that is called {name!r} is online ({_described(row.announcement)}; this is "
                f"{_described(announcement)}); accepted: a name of its own, set EDGEPRESS_DEVICE, or this one once the "
                f"other has been offline for {ONLINE_FOR.total_seconds():.0f} s (if it is one board, installed again)"
            )
        row.previous, row.changed_at = row.announcement, now
    elif not row.announcement.is_same_hardware(announcement):
        row.previous, row.changed_at = row.announcement, now
    row.announcement, row.last_seen_at = announcement, now


def _is_another(known: Announcement, asking: Announcement) -> bool:
    """Return whether two announcements are certainly of different devices: older evaluators have no identity."""
    return None not in {known.identity, asking.identity} and known.identity != asking.identity


def _described(announcement: Announcement) -> str:
    return announcement.board or announcement.cpu or announcement.machine


def _waiting_for(name: str) -> Select[StepRow]:
    return (
        select(StepRow)
        .where(
            StepRow.state == "ready", StepRow.kind == "evaluation", or_(StepRow.device == name, StepRow.device == "any")
        )
        .order_by(StepRow.created_at, StepRow.key)
    )


def _workers_at_work(session: Session, machine_id: str | None) -> bool:
    """Return whether workers of the machine have steps, or may have: workers or devices may not name their machine."""
    here = true() if machine_id is None else or_(StepRow.machine_id.is_(None), StepRow.machine_id == machine_id)
    busy = select(StepRow.key).where(StepRow.state.in_(["sent", "running"]), StepRow.kind != "evaluation", here)
    return session.scalar(busy.limit(1)) is not None


def _lease_of(session: Session, row: StepRow, ledger: Ledger, device: Announcement) -> EvaluationLease:
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
        test_images=pack.outputs.get("test_images") if device.measures_test else None,
        test_labels=pack.outputs.get("test_labels") if device.measures_test else None,
        coded={**_coded(model.outputs), **_coded(pack.outputs)} if device.decodes else {},
    )


def _coded(outputs: Outputs) -> dict[str, ArtifactRef]:
    """Return the coded files among outputs, by the SHA-256 of the file that each restores."""
    pairs = {"tflite": "coded", **{f"{part}_images": f"{part}_images_coded" for part in ("validation", "test")}}
    return {outputs[name].sha256: outputs[coded] for name, coded in pairs.items() if coded in outputs}
