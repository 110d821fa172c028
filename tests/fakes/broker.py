"""Redis as the scheduler sees it, as lists."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from redis.exceptions import ConnectionError as RedisConnectionError

from edgepress_common.messages import LiveWorker, RunStep, WorkerEvent

if TYPE_CHECKING:
    from collections.abc import Iterator


class ListBroker:
    """Queues and an inbox; unavailable for the given number of calls."""

    def __init__(self) -> None:
        self.sent: list[RunStep] = []
        self.mail: dict[str, bytes] = {}
        self.stopped: list[tuple[str, int]] = []
        self.live: list[LiveWorker] = []
        self.waits: list[float] = []
        self.woken = threading.Event()
        self.away = 0
        self._ids: Iterator[str] = map(str, range(10**9))

    def send(self, step: RunStep) -> None:
        """Notes a step that went to its queue."""
        self.sent.append(step)

    def post(self, *events: WorkerEvent) -> None:
        """Post events as workers do."""
        self.leave(*(event.model_dump_json().encode() for event in events))

    def leave(self, *messages: bytes) -> None:
        """Post messages as workers of any version do."""
        for message in messages:
            self.mail[next(self._ids)] = message

    def read(self, wait_seconds: float = 0.0) -> list[tuple[str, bytes]]:
        """Return the messages in the inbox at once, and note how long a broker would have waited for the first."""
        self.waits.append(wait_seconds)
        if self.away:
            self.away -= 1
            raise RedisConnectionError("away")
        return list(self.mail.items())

    def wake(self) -> None:
        """Note that a wait was ended."""
        self.woken.set()

    def delete(self, ids: list[str]) -> None:
        """Delete messages from the inbox."""
        for id_ in ids:
            del self.mail[id_]

    def stop(self, step_key: str, attempt: int) -> None:
        """Ask the worker on an attempt to stop."""
        self.stopped.append((step_key, attempt))

    def workers(self) -> list[LiveWorker]:
        """Return the live workers."""
        return self.live
