"""Redis as the scheduler sees it, as lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import ConnectionError as RedisConnectionError

from edgepress_common.messages import RunStep, WorkerEvent

if TYPE_CHECKING:
    from collections.abc import Iterator


class ListBroker:
    """Queues and mailbox; away as often as told."""

    def __init__(self) -> None:
        self.sent: list[RunStep] = []
        self.mail: dict[str, bytes] = {}
        self.stopped: list[tuple[str, int]] = []
        self.away = 0
        self._ids: Iterator[str] = map(str, range(10**9))

    def send(self, step: RunStep) -> None:
        """Notes a step that went to its queue."""
        self.sent.append(step)

    def post(self, *events: WorkerEvent) -> None:
        """What workers do."""
        for event in events:
            self.mail[next(self._ids)] = event.model_dump_json().encode()

    def read(self) -> list[tuple[str, bytes]]:
        """See `Mailbox.read`."""
        if self.away:
            self.away -= 1
            raise RedisConnectionError("away")
        return list(self.mail.items())

    def delete(self, ids: list[str]) -> None:
        """See `Mailbox.delete`."""
        for id_ in ids:
            del self.mail[id_]

    def stop(self, step_key: str, attempt: int) -> None:
        """See `Mailbox.stop`."""
        self.stopped.append((step_key, attempt))
