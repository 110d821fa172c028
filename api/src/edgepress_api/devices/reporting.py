"""Reports of a device on an evaluation that it has leased. A device can report on its own leases only."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.orm import Session

from edgepress_api.database import Database, DeviceRow, StepRow
from edgepress_api.devices.checking import check_against_lease
from edgepress_api.steps.ledger import Ledger
from edgepress_api.steps.plausible import ReportedEvaluation
from edgepress_common.devices import DeviceName
from edgepress_common.errors import LeaseLostError
from edgepress_common.frozen import Frozen
from edgepress_common.messages import Progress, StepFailure
from edgepress_common.steps import StepKey


class LeaseName(Frozen):
    """The name of a lease: its device, its step, and the attempt."""

    device: DeviceName
    step_key: StepKey
    attempt: int


def report_progress(database: Database, ledger: Ledger, lease: LeaseName, progress: Progress, now: datetime) -> None:
    """Renew the lease of a device that continues, and store its progress.

    Raises:
        LeaseLostError: The lease is not, or no longer, the device's.
    """
    with _held(database, lease, now) as session:
        _require(
            ledger.renew(session, lease.step_key, lease.attempt, holder=lease.device, progress=progress, now=now), lease
        )


def report_result(
    database: Database, ledger: Ledger, lease: LeaseName, result: ReportedEvaluation, now: datetime
) -> None:
    """Record that the device has finished.

    Raises:
        LeaseLostError: See `report_progress`.
        InvalidReportError: The result is not of what was leased.
    """
    with _held(database, lease, now) as session:
        _require(
            ledger.finish(session, lease.step_key, lease.attempt, outputs={}, result=result.stored(), now=now), lease
        )
        # A lease that is lost comes first; what is refused here is rolled back.
        check_against_lease(session, session.get_one(StepRow, lease.step_key), lease.device, result)


def report_failure(database: Database, ledger: Ledger, lease: LeaseName, failure: StepFailure, now: datetime) -> None:
    """Record that the attempt of the device failed.

    Raises:
        LeaseLostError: See `report_progress`.
    """
    with _held(database, lease, now) as session:
        _require(ledger.fail(session, lease.step_key, lease.attempt, failure=failure, now=now), lease)


@contextmanager
def _held(database: Database, lease: LeaseName, now: datetime) -> Iterator[Session]:
    """Open a transaction in which the device has the lease. Any report counts as contact with the device."""
    with database.write() as session:
        row = session.get(StepRow, lease.step_key)
        _require(row is not None and row.kind == "evaluation" and row.holder == lease.device, lease)
        device = session.get(DeviceRow, lease.device)
        if device is not None:
            device.last_seen_at = now
        yield session


def _require(held: bool, lease: LeaseName) -> None:  # noqa: FBT001  what is asserted
    if not held:
        raise LeaseLostError(
            f"{lease.device} does not hold attempt {lease.attempt} of step {lease.step_key}: it expired, ended, or was "
            "cancelled; accepted: the lease that was answered last"
        )
