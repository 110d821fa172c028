"""Requests of devices for work, each by its name: an answer that was lost does not take a lease with it.

A device gives each request a random name, and repeats the request under that name until it has an answer. So the same
lease is answered again if the first answer was lost. A device that is stopped withdraws its request: a lease that it
was given for it, and may never have heard of, is given back without a failed attempt, and no lease is given for it any
more, even if the gateway is just about to. Evaluators of earlier releases do not name their requests.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from edgepress_api.database import Database, LeaseRequestRow, StepRow
from edgepress_api.steps.ledger import Ledger


def is_known(session: Session, device: str, request: str | None) -> bool:
    """Return whether a lease was given for the request, or it was withdrawn."""
    row = session.get(LeaseRequestRow, device)
    return row is not None and row.request == request


def is_withdrawn(session: Session, device: str, request: str | None) -> bool:
    """Return whether the device has withdrawn the request."""
    row = session.get(LeaseRequestRow, device)
    return row is not None and row.request == request and row.step_key is None


def leased_for(session: Session, device: str, request: str | None) -> StepRow | None:
    """Return the step that was leased for the request; None if there is none, or the lease is over."""
    row = session.get(LeaseRequestRow, device)
    if row is None or row.request != request or row.step_key is None:
        return None
    step = session.get(StepRow, row.step_key)
    is_held = step is not None and (step.state, step.holder, step.attempt) == ("running", device, row.attempt)
    return step if is_held else None


def note_lease(session: Session, device: str, request: str | None, step: StepRow) -> None:
    """Note what was leased for a request, in place of the request before."""
    if request is not None:
        session.merge(LeaseRequestRow(device=device, request=request, step_key=step.key, attempt=step.attempt))


def withdraw(database: Database, ledger: Ledger, device: str, request: str, now: datetime) -> None:
    """Give back what was leased for a request, and lease nothing for it from now on. Idempotent."""
    with database.write() as session:
        step = leased_for(session, device, request)
        if step is not None:
            ledger.give_back(session, step.key, step.attempt, now=now)
        session.merge(LeaseRequestRow(device=device, request=request, step_key=None, attempt=None))
