"""Follows a job until it ends.

The gateway's event stream signals when to request the job again. Each result is the whole job, so no change is missed
after the gateway was unavailable. Without a stream, the job is polled.
"""

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgepress_client.connection import Connection
from edgepress_client.errors import RefusedError
from edgepress_common.errors import UnavailableError

if TYPE_CHECKING:
    from edgepress_common.answers.jobs import JobView

POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 300.0  # enough for an update or a reboot of the gateway
_KNOWN_TYPES = frozenset({"job", "plan", "pipeline", "step", "epoch", "progress"})


def has_ended(job: "JobView") -> bool:
    """Return whether the job has ended. It then changes only if it is retried."""
    return job.state not in {"queued", "running"}


def follow(
    look: "Callable[[], JobView]",
    await_change: Callable[[], object],
    *,
    clock: Callable[[], float] = time.monotonic,
    unavailable: Callable[[UnavailableError], object] = lambda _: None,
) -> "Iterator[JobView]":
    """Yield the current state of a job, and again whenever it may have changed, until it has ended.

    Args:
        look: Requests the job.
        await_change: Returns when the job should be requested again.
        clock: Returns a monotonic time in seconds.
        unavailable: Called with the error each time the gateway does not answer.

    Raises:
        UnavailableError: The gateway did not answer the first time, or later for five minutes.
    """
    job = look()
    seen_at = clock()
    yield job
    while not has_ended(job):
        await_change()
        try:
            job = look()
        except UnavailableError as error:
            if clock() - seen_at > _PATIENCE_SECONDS:
                raise
            unavailable(error)
        else:
            seen_at = clock()
            yield job


@dataclass(frozen=True)
class ServerEvent:
    """A server-sent event.

    Attributes:
        type: Its type, such as ``step``.
        id: Its number; None if it is not numbered.
        data: Its content as JSON.
    """

    type: str
    id: str | None
    data: str


def read_events(lines: Iterator[str]) -> Iterator[ServerEvent]:
    """Yield the events of a stream of lines. Comments and unknown fields are skipped."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and "data" in fields else value
            continue
        if "data" in fields:
            yield ServerEvent(fields.get("event", "message"), fields.get("id"), fields["data"])
        fields = {}


class JobEventStream:
    """The event stream of a job. If it breaks, it is reopened after the last event received.

    Args:
        connection: The gateway.
        job_id: Id of the job.
        wait: Sleeps for a number of seconds.
    """

    def __init__(self, connection: Connection, job_id: str, *, wait: Callable[[float], object] = time.sleep) -> None:
        self._connection = connection
        self._job_id = job_id
        self._wait = wait
        self._last_id: str | None = None
        self._events: Generator[ServerEvent] | None = None
        self._is_supported = True

    def close(self) -> None:
        """Close the stream."""
        if self._events is not None:
            self._events.close()
        self._events = None

    def await_change(self) -> None:
        """Return at the next event of a known type, or when the stream ends; without a stream, after a second."""
        if not (self._is_supported and self._is_news()):
            self._wait(POLL_SECONDS)

    def events(self) -> Generator[ServerEvent]:
        """Yield the events that follow the last one received, until the stream ends or breaks.

        Raises:
            UnavailableError: The gateway can't be reached, or the stream breaks.
            RefusedError: The job does not exist.
        """
        headers = {"Accept": "text/event-stream"}
        if self._last_id is not None:
            headers["Last-Event-ID"] = self._last_id
        with self._connection.stream("jobs", self._job_id, "events", headers=headers) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                return
            for event in read_events(response.iter_lines()):
                self._last_id = event.id or self._last_id
                if event.type in _KNOWN_TYPES and _is_json(event.data):
                    yield event

    def _is_news(self) -> bool:
        """Wait for an event; return False if the stream is not available."""
        was_open = self._events is not None
        if self._events is None:
            self._events = self.events()
        try:
            for event in self._events:
                # The events before the first `progress` are a replay.
                if was_open or event.type == "progress":
                    return True
        except RefusedError:
            self._is_supported = False
        except UnavailableError:
            was_open = False
        self.close()
        return was_open


def _is_json(text: str) -> bool:
    with suppress(ValueError):
        return isinstance(json.loads(text), dict)
    return False
