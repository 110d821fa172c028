"""Looks at jobs on behalf of all event streams: once for each job and change, however many streams follow it."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from fastapi.concurrency import run_in_threadpool

from edgepress_api.database import Database
from edgepress_api.jobs.watching import Glance, look_at_job

_MISSED_SECONDS = 5.0  # after which it is looked again, in case that a notification of a change was missed

Version = tuple[int, int]


class SharedLooks:
    """See the module. Used by the tasks of one event loop.

    Args:
        database: The database of the jobs.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = 0
        self._streams = 0
        self._subscription = ExitStack()
        self._looks: dict[tuple[str, int], asyncio.Task[Glance]] = {}
        self._checks: dict[bytes, tuple[int, asyncio.Task[bool]]] = {}
        self._looked_at: Version | None = None

    @contextmanager
    def following(self) -> Iterator[None]:
        """Hear of changes while a stream is open."""
        if self._streams == 0:
            self._subscription.enter_context(self._database.changes.subscribed(self._note_change))
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1
            if self._streams == 0:
                self._subscription.close()
                self._looks.clear()
                self._checks.clear()

    @property
    def version(self) -> Version:
        """A value that is another after each change of the database, and every few seconds."""
        return self._changes, int(time.monotonic() / _MISSED_SECONDS)

    async def look(self, job_id: str, known: int) -> Glance:
        """Return the events of a job after a known one; see `look_at_job`, which another stream may have called.

        Raises:
            NotFoundError: No such job.
        """
        version = self.version
        if version != self._looked_at:
            self._looks, self._looked_at = {}, version
        name = (job_id, known)
        if name not in self._looks:
            self._looks[name] = asyncio.ensure_future(run_in_threadpool(self._read, job_id, known))
        return await asyncio.shield(self._looks[name])  # a stream that ends takes the look from no other

    async def still_knows(self, token: str, is_still_known: Callable[[], bool]) -> bool:
        """Return whether a token counts, which is looked up once in a few seconds for all streams with the token.

        Args:
            token: The token, as the client shows it.
            is_still_known: Looks it up.
        """
        name = hashlib.sha256(token.encode()).digest()
        period = self.version[1]
        if name not in self._checks or self._checks[name][0] != period:
            self._checks[name] = (period, asyncio.ensure_future(run_in_threadpool(is_still_known)))
        return await asyncio.shield(self._checks[name][1])

    def _read(self, job_id: str, known: int) -> Glance:
        with self._database.read() as session:
            return look_at_job(session, job_id, after=known)

    def _note_change(self) -> None:
        self._changes += 1
