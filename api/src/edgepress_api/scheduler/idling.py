"""How long the scheduler waits for events before its next round.

While steps are at workers or devices, leases can expire at any time, so it waits only briefly. Otherwise it waits for
seconds, and a change of the database, such as a new job, wakes it.

No change is missed: the scheduler counts the changes since it last waited. If there were any, the round that has just
ended may not have seen them, so it waits only briefly as well.
"""

from collections.abc import Callable

from sqlalchemy import select

from edgepress_api.database import Database, StepRow

BUSY_SECONDS = 0.25  # also how late an expired lease may be noticed
IDLE_SECONDS = 5.0  # as often as time limits are checked


class Idling:
    """See the module.

    Args:
        database: The database of the steps.
        wake: Ends the scheduler's wait for events, from another thread.
    """

    def __init__(self, database: Database, wake: Callable[[], object]) -> None:
        self._database = database
        self._wake = wake
        self._changes = 0
        self._changes_seen = 0
        self._asleep = False

    def seconds(self) -> float:
        """Return how long to wait; until `awake` is called, changes end the wait if it is a long one."""
        self._asleep = True  # before the question: what changes after it ends the wait
        if self._changes == self._changes_seen and not self._is_busy():
            return IDLE_SECONDS
        self._asleep = False
        return BUSY_SECONDS

    def awake(self) -> None:
        """Note that the wait is over."""
        self._asleep, self._changes_seen = False, self._changes

    def note_change(self) -> None:
        """Note that the database has changed. Called by another thread."""
        self._changes += 1
        if self._asleep:
            self._wake()

    def _is_busy(self) -> bool:
        active = StepRow.state.in_(["sent", "running"]) | ((StepRow.state == "ready") & (StepRow.kind != "evaluation"))
        with self._database.read() as session:
            return session.scalar(select(StepRow.key).where(active).limit(1)) is not None
