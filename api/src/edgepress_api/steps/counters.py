"""Counts what happens to steps, for whoever operates a server.

In the database, because what happens is noted by several processes, of which only the gateway is asked for figures; and
in a table of its own, because steps are forgotten in time, and a counter must not go down.
"""

from typing import Literal

from sqlalchemy.orm import Session

from edgepress_api.database import CounterRow
from edgepress_common.steps import StepKind

Counter = Literal["steps_done", "step_seconds", "attempts_failed", "leases_lost"]


def count(session: Session, name: Counter, kind: StepKind, amount: float = 1) -> None:
    """Adds to a counter, within the caller's transaction."""
    row = session.get(CounterRow, (name, kind))
    if row is None:
        session.add(CounterRow(name=name, kind=kind, value=amount))
    else:
        row.value += amount
