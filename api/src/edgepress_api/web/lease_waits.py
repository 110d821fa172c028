"""Waits of lease requests, which share what they read: one query for each change, however many devices wait.

If each waiting request asked the database after each change, 500 devices would ask 2,000 times a second while workers
report, nearly always in vain. Instead, one query counts the evaluations that can begin, by device, and wakes only the
requests of these devices. An evaluation that any device can take wakes the devices that have waited longest.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from edgepress_api.database import Database, StepRow

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25  # at most so often, however much is written to the database
_MISSED_SECONDS = 5.0  # after which it is looked again, in case that a notification was missed
_MORE_FOR_ANY = 10  # devices that are woken for `any` in addition: the first ones may not be able to take it now


class LeaseWaits:
    """See the module. Used by the tasks of one event loop.

    Args:
        database: The database of the steps.
        is_stopping: Whether the server is about to stop; all requests are then woken.
    """

    def __init__(self, database: Database, is_stopping: Callable[[], bool]) -> None:
        self._database = database
        self._is_stopping = is_stopping
        self._waiting: dict[str, list[asyncio.Event]] = {}  # by device, the one that has waited longest first
        self._changed = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._next_look = 0.0  # by `time.monotonic`; kept for the next watcher: a device may not take what it sees

    async def wait(self, device: str, seconds: float) -> None:
        """Wait until there may be an evaluation for a device.

        Args:
            device: Name of the device.
            seconds: How long to wait at most.
        """
        woken = asyncio.Event()
        self._waiting.setdefault(device, []).append(woken)
        if self._watcher is None or self._watcher.done():  # done: it has failed, and was not cancelled
            self._changed = asyncio.Event()
            self._watcher = asyncio.create_task(self._watch())
        self._changed.set()  # the last look may have missed what has changed since the request asked
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), seconds)
        finally:
            self._waiting[device].remove(woken)
            if not self._waiting[device]:
                del self._waiting[device]
            if not self._waiting and self._watcher is not None:
                self._watcher.cancel()
                self._watcher = None

    async def _watch(self) -> None:
        """Look after each change, for as long as requests wait."""
        changed, loop = self._changed, asyncio.get_running_loop()
        with self._database.changes.subscribed(lambda: loop.call_soon_threadsafe(changed.set)):
            again: set[str] = set()
            while True:
                await asyncio.sleep(self._next_look - time.monotonic())
                self._next_look = time.monotonic() + _LOOK_SECONDS
                changed.clear()
                again = await self._look(again)
                if not again:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), _MISSED_SECONDS)

    async def _look(self, again: set[str]) -> set[str]:
        """Wake the requests that may get an evaluation; return their devices.

        Args:
            again: Devices to wake in any case. Of two requests of one device, of which the first was abandoned, the
                first one may have got the lease that the last look has seen, and the second one repeats it.
        """
        try:
            ready = {} if self._is_stopping() else await run_in_threadpool(self._ready)
        except SQLAlchemyError as error:
            logger.warning("lease requests are woken, since the database does not answer: %s", error)
            self._wake(self._waiting)
            return set()
        if self._is_stopping():
            self._wake(self._waiting)
            return set()
        chosen = self._chosen(ready)
        self._wake(dict.fromkeys([*chosen, *again]))
        return chosen

    def _chosen(self, ready: Mapping[str | None, int]) -> set[str]:
        chosen = {device for device in self._waiting if device in ready}
        others = [device for device in self._waiting if device not in chosen]
        for_any = ready.get("any", 0)
        return chosen | set(others[: for_any + _MORE_FOR_ANY] if for_any else ())

    def _wake(self, devices: Mapping[str, object]) -> None:
        for device in devices:
            for woken in self._waiting.get(device, ()):
                woken.set()

    def _ready(self) -> dict[str | None, int]:
        """Return how many evaluations can begin, by device."""
        query = (
            select(StepRow.device, func.count())
            .where(StepRow.state == "ready", StepRow.kind == "evaluation")
            .group_by(StepRow.device)
        )
        with self._database.read() as session:
            return {device: count for device, count in session.execute(query)}  # noqa: C416 - a row is not a pair
