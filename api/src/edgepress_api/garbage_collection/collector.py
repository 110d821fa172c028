"""Collects garbage at an interval, in a thread of the gateway."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

from edgepress_api.database import Database
from edgepress_api.garbage_collection.old_messages import delete_old_messages
from edgepress_api.garbage_collection.store_owner import ForeignStoreError
from edgepress_api.garbage_collection.unreferenced_artifacts import remove_unreferenced_artifacts
from edgepress_api.garbage_collection.unreferenced_steps import delete_old_jobs, delete_unreferenced_steps
from edgepress_common.artifacts import ArtifactStore

logger = logging.getLogger(__name__)

# The store is listed when rows were deleted, and at least this often: for artifacts that were too new the last time,
# or that a crash left behind.
_CHECK_ARTIFACTS_EVERY = timedelta(hours=1)


@dataclass
class GarbageCollector:
    """Collects garbage. Several collectors may run at the same time.

    Attributes:
        database: The database with jobs and steps.
        store: The artifact store.
        retention: How long jobs are kept after they end; None keeps them forever.
        clock: Returns the current time.
    """

    database: Database
    store: ArtifactStore
    retention: timedelta | None
    clock: Callable[[], datetime]
    _artifacts_checked_at: datetime | None = field(default=None, init=False)

    def run(self, stopping: Event, pause_seconds: float) -> None:
        """Collect at an interval until told to stop. An error is logged, and the next round tries again."""
        while not stopping.wait(pause_seconds):
            try:
                self.collect()
            except Exception:  # an error of any kind must not stop the gateway
                logger.exception("garbage collection failed; trying again in %.0f s", pause_seconds)

    def collect(self) -> None:
        """Collect once."""
        now = self.clock()
        jobs = 0 if self.retention is None else delete_old_jobs(self.database, now, self.retention)
        steps = delete_unreferenced_steps(self.database)
        delete_old_messages(self.database, now)
        if jobs or steps:
            logger.info("deleted %d jobs past their retention time and %d unreferenced steps", jobs, steps)
        elif self._artifacts_checked_at is not None and now - self._artifacts_checked_at < _CHECK_ARTIFACTS_EVERY:
            return
        self._artifacts_checked_at = now
        try:
            removed = remove_unreferenced_artifacts(self.database, self.store, now)
        except ForeignStoreError as error:
            logger.error("%s", error)  # noqa: TRY400 - the message is complete; a traceback adds nothing
            return
        if removed.artifacts or removed.unfinished:
            logger.info(
                "removed %d artifacts, %d bytes, and %d unfinished ones",
                removed.artifacts,
                removed.size_bytes,
                removed.unfinished,
            )
