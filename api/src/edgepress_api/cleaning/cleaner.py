"""Cleans now and then, beside whatever else its process does."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

from edgepress_api.cleaning.forgetting import forget_old_jobs, forget_unneeded_steps
from edgepress_api.cleaning.ownership import ForeignStoreError
from edgepress_api.cleaning.sweeping import sweep
from edgepress_api.database import Database
from edgepress_common.artifacts import ArtifactStore

logger = logging.getLogger(__name__)

# The store is walked when something was forgotten; and this often anyway, for what was too new then or came of a crash.
_SWEEP_EVERY = timedelta(hours=1)


@dataclass
class Cleaner:
    """See the package. Several may clean at the same time.

    Attributes:
        database: Where jobs and steps are.
        store: Where artifacts are.
        retention: How long jobs are kept after they have ended; None for ever.
        clock: The present moment.
    """

    database: Database
    store: ArtifactStore
    retention: timedelta | None
    clock: Callable[[], datetime]
    _swept_at: datetime | None = field(default=None, init=False)

    def run(self, stopping: Event, pause_seconds: float) -> None:
        """Cleans, waits, and so on until told to stop. What goes wrong is logged, and tried again the next time."""
        while not stopping.wait(pause_seconds):
            try:
                self.clean()
            except Exception:  # whatever it is, the process has other things to do
                logger.exception("could not clean up; trying again in %.0f s", pause_seconds)

    def clean(self) -> None:
        """Cleans once."""
        now = self.clock()
        jobs = 0 if self.retention is None else forget_old_jobs(self.database, now, self.retention)
        steps = forget_unneeded_steps(self.database)
        if jobs or steps:
            logger.info("forgot %d jobs past their time, and %d steps that no job needs", jobs, steps)
        elif self._swept_at is not None and now - self._swept_at < _SWEEP_EVERY:
            return
        self._swept_at = now
        try:
            swept = sweep(self.database, self.store, now)
        except ForeignStoreError as error:
            logger.error("%s", error)  # noqa: TRY400 - it says all; where it was raised helps nobody
            return
        if swept.artifacts or swept.unfinished:
            logger.info(
                "removed %d artifacts, %d bytes, and %d unfinished ones",
                swept.artifacts,
                swept.size_bytes,
                swept.unfinished,
            )
