"""Consumes the events of workers.

Events are in a Redis stream. A batch is read from its beginning, applied in one transaction, and only then deleted: if
the scheduler dies in between, the same events are read again, and change nothing the second time.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, assert_never

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from edgepress_api.database import Database
from edgepress_api.scheduler.idling import BUSY_SECONDS
from edgepress_api.steps.ledger import Ledger
from edgepress_common import __version__
from edgepress_common.messages import (
    AttemptName,
    LiveWorker,
    StepFailed,
    StepFailure,
    StepFinished,
    StepProgress,
    StepReturned,
    StepStarted,
    WorkerEvent,
)

logger = logging.getLogger(__name__)

_EVENT: TypeAdapter[WorkerEvent] = TypeAdapter(WorkerEvent)
_MESSAGE_CHARACTERS = 2000  # pydantic lists every field that it does not understand


class _Envelope(AttemptName):
    type: str
    worker: str


class Inbox(Protocol):
    """The stream that workers write events to, the flags that tell them to stop, and the workers that are live."""

    def read(self, wait_seconds: float = BUSY_SECONDS) -> list[tuple[str, bytes]]:
        """Return the entries that are not deleted, with ids, the oldest first; wait if there are none.

        Args:
            wait_seconds: How long to wait for the first entry at most, in seconds.

        Returns:
            Ids and contents. An entry that `wake` has added is empty.
        """
        ...

    def wake(self) -> None:
        """End a wait for events, in another thread or process."""
        ...

    def delete(self, ids: list[str]) -> None:
        """Delete events."""
        ...

    def stop(self, step_key: str, attempt: int) -> None:
        """Tell the worker that runs this attempt to stop."""
        ...

    def workers(self) -> list[LiveWorker]:
        """Return the workers that are live and whose machine is known."""
        ...


def consume_events(
    database: Database,
    ledger: Ledger,
    inbox: Inbox,
    clock: Callable[[], datetime],
    *,
    wait_seconds: float = BUSY_SECONDS,
) -> int:
    """Apply the available events, or those that arrive within the wait; return their number.

    An attempt that still reports after its end (its lease expired, its job was cancelled) is told to stop.
    """
    entries = inbox.read(wait_seconds)
    if not entries:
        return 0
    events = [event for _, content in entries if content and (event := _parse(content)) is not None]
    stale = _apply_all(database, ledger, events, clock()) if events else []
    for event in stale:
        if isinstance(event, StepStarted | StepProgress):
            inbox.stop(event.step_key, event.attempt)
    inbox.delete([id_ for id_, _ in entries])
    return len(entries)


def _apply_all(database: Database, ledger: Ledger, events: list[WorkerEvent], now: datetime) -> list[WorkerEvent]:
    """Apply events in one transaction; return those that had no effect, as they are of past attempts."""
    with database.write() as session:
        return [event for event in events if not _apply(session, ledger, event, now)]


def _parse(content: bytes) -> WorkerEvent | None:
    try:
        return _EVENT.validate_json(content)
    except ValidationError as error:
        logger.warning("a worker's event is not understood: %s", error)
        return _not_understood(content, str(error))


def _not_understood(content: bytes, reason: str) -> StepFailed | None:
    """Return the failure of a step whose result only a newer version understands; None for any other event."""
    try:
        envelope = _Envelope.model_validate_json(content)
    except ValidationError:
        return None
    if envelope.type != "finished":
        return None
    message = f"the scheduler (version {__version__}) does not understand what {envelope.worker!r} found: {reason}"
    return StepFailed(
        step_key=envelope.step_key,
        attempt=envelope.attempt,
        worker=envelope.worker,
        failure=StepFailure.of("unsupported", message[:_MESSAGE_CHARACTERS]),
    )


def _apply(session: Session, ledger: Ledger, event: WorkerEvent, now: datetime) -> bool:
    key, attempt = event.step_key, event.attempt
    match event:
        case StepStarted():
            machine_id = event.machine_id
            return ledger.renew(
                session, key, attempt, holder=event.worker, progress=None, now=now, machine_id=machine_id
            )
        case StepProgress():
            return ledger.renew(session, key, attempt, holder=event.worker, progress=event.progress, now=now)
        case StepFinished():
            return ledger.finish(session, key, attempt, outputs=event.outputs, result=event.result, now=now)
        case StepFailed():
            return ledger.fail(session, key, attempt, failure=event.failure, now=now)
        case StepReturned():
            return ledger.give_back(session, key, attempt, now=now)
        case _:
            assert_never(event)
