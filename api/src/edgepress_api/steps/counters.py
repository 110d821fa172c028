"""Counters of what happens to steps, for operators.

They are in the database because several processes count, and only the gateway serves metrics; and in a table of their
own because garbage collection deletes steps, and a counter must not go down.
"""

from typing import Literal

from sqlalchemy.orm import Session

from edgepress_api.database import CounterRow
from edgepress_common.steps import StepKind

Counter = Literal["steps_done", "step_seconds", "attempts_failed", "leases_lost"]


def count(session: Session, name: Counter, kind: StepKind, amount: float = 1) -> None:
    """Add to a counter, within the caller's transaction."""
    row = session.get(CounterRow, (name, kind))
    if row is None:
        session.add(CounterRow(name=name, kind=kind, value=amount))
    else:
        row.value += amount
