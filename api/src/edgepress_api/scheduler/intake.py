"""Takes in what workers say.

Events lie in a Redis stream. A batch is read from its beginning, applied in one transaction, and only then deleted: if
the scheduler dies in between, the same events are read again, and change nothing the second time.
"""

import logging
from datetime import datetime
from typing import Protocol, assert_never

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from edgepress_api.database import Database
from edgepress_api.steps.ledger import Ledger
from edgepress_common.messages import (
    StepFailed,
    StepFinished,
    StepProgress,
    StepReturned,
    StepStarted,
    WorkerEvent,
)

logger = logging.getLogger(__name__)

_EVENT: TypeAdapter[WorkerEvent] = TypeAdapter(WorkerEvent)


class Mailbox(Protocol):
    """Where workers leave events, and where they look whether they are to stop."""

    def read(self) -> list[tuple[str, bytes]]:
        """Events that have not been deleted, the oldest first, each with its id; waits a little when there are none."""
        ...

    def delete(self, ids: list[str]) -> None:
        """Deletes events."""
        ...

    def stop(self, step_key: str, attempt: int) -> None:
        """Tells whoever works on this attempt to stop."""
        ...


def take_in(database: Database, ledger: Ledger, mailbox: Mailbox, now: datetime) -> int:
    """Applies the events that are there; returns how many.

    An attempt that still speaks though it is over (its lease ran out, its job was cancelled) is told to stop.
    """
    entries = mailbox.read()
    if not entries:
        return 0
    stale = []
    with database.write() as session:
        for _, content in entries:
            event = _parse(content)
            if event is not None and not _apply(session, ledger, event, now):
                stale.append(event)
    for event in stale:
        if isinstance(event, StepStarted | StepProgress):
            mailbox.stop(event.step_key, event.attempt)
    mailbox.delete([id_ for id_, _ in entries])
    return len(entries)


def _parse(content: bytes) -> WorkerEvent | None:
    try:
        return _EVENT.validate_json(content)
    except ValidationError as error:
        logger.warning("dropped an event that is none: %s", error)
        return None


def _apply(session: Session, ledger: Ledger, event: WorkerEvent, now: datetime) -> bool:
    key, attempt = event.step_key, event.attempt
    match event:
        case StepStarted():
            return ledger.renew(session, key, attempt, holder=event.worker, progress=None, now=now)
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
