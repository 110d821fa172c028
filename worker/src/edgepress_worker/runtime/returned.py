"""Notes of steps that were running when this worker was stopped, so that its next start returns them again.

A step that is returned has not failed. But the event may get lost: the scheduler was stopped first, and Redis with it,
as when a whole machine is shut down. Then the step's lease would have to end, which counts as a failed attempt. So the
worker writes down which attempt it has as soon as it is told to stop, and says at its next start that it has been
returned. Where that was heard of before, the event is of a past attempt and changes nothing.

A worker keeps its note locked until its process has ended: another one that shares the folder leaves it alone.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from edgepress_common.messages import AttemptName, StepReturned
from edgepress_worker.runtime.event_channel import EventChannel

_SUFFIX = ".json"


@dataclass(frozen=True)
class ReturnedSteps:
    """The notes of all workers that share a folder.

    Attributes:
        folder: Where they are; created when it is needed.
    """

    folder: Path

    def note(self, attempt: AttemptName, worker: str) -> TextIO:
        """Write down that an attempt is being returned; the note stays locked until the result is closed.

        Raises:
            OSError: The folder can't be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        note = (self.folder / f"{attempt.step_key}-{attempt.attempt}{_SUFFIX}").open("w", encoding="utf-8")
        fcntl.flock(note, fcntl.LOCK_EX)
        note.write(StepReturned(step_key=attempt.step_key, attempt=attempt.attempt, worker=worker).model_dump_json())
        note.flush()
        return note

    def send(self, events: EventChannel) -> int:
        """Send what workers that have ended have noted, and remove the notes; returns how many. Waits for Redis."""
        sent = 0
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            with _unlocked(path) as note:
                if note is None:
                    continue
                with suppress(ValidationError):  # half written, when the machine lost power
                    events.post(StepReturned.model_validate_json(note.read()))
                    sent += 1
                path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or not there
            self.folder.rmdir()
        return sent


@contextmanager
def _unlocked(path: Path) -> Iterator[TextIO | None]:
    """The note, locked for this process; None if another has it."""
    try:
        with path.open(encoding="utf-8") as note:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield note
    except (BlockingIOError, FileNotFoundError):
        yield None
