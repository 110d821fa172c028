"""Ends the child process of a step that is to stop and does not: it hangs, or a library computes without returning.

A step that was cancelled, or took longer than its time limit, is told by a flag in Redis, which it looks at between two
pieces of work. The parent process looks at the flag as well. A child that still runs the attempt a few seconds later is
killed with everything that it has started; Celery then starts another child, which takes the next step. SIGTERM would
be no more polite than SIGKILL: the child has no handler for it (Celery resets it), and a stopped process ignores it.

When the worker itself is to stop, the same happens, and the step is returned in the child's name. That is done by a
thread, because Celery's loop no longer runs then; and the thread ends the process, because Celery would wait for the
result of a child that was killed. Nothing is lost by that: the step's message is dropped by its claim.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from edgepress_common.messages import AttemptName, StepReturned
from edgepress_worker.runtime.event_channel import EventChannel
from edgepress_worker.runtime.returned import ReturnedSteps
from edgepress_worker.runtime.standby import RunningAttempt, Standby

logger = logging.getLogger(__name__)

# A training looks several times a second. With the flag being set within 3 s, and two looks of the parent 2 s apart, a
# child that hangs has ended within 10 s.
_GRACE_SECONDS = 3.0
_STOP_GRACE_SECONDS = 5.0  # `edgepress up` and `docker stop` wait for 10 s
_LOOK_SECONDS = 0.05


@dataclass
class ChildEnder:
    """See the module.

    Attributes:
        standby: Which step the child runs.
        events: To the scheduler.
        returned: Where it is noted that a step is returned.
        worker: This worker's name.
        grace_seconds: How long the child may take to stop once its attempt was told to.
        stop_grace_seconds: How long it may take once the worker was told to.
        clock: Seconds that only grow.
        leave: Ends this process with an exit status.
    """

    standby: Standby
    events: EventChannel
    returned: ReturnedSteps
    worker: str
    grace_seconds: float = _GRACE_SECONDS
    stop_grace_seconds: float = _STOP_GRACE_SECONDS
    clock: Callable[[], float] = time.monotonic
    leave: Callable[[int], object] = os._exit
    _told: tuple[AttemptName, float] | None = field(default=None, init=False)
    # Kept open, and so locked, until the process has ended.
    _noted: dict[AttemptName, TextIO] = field(default_factory=dict, init=False)

    def look(self) -> None:
        """Kill the child if its attempt was told to stop some seconds ago. Called in the parent, again and again."""
        found = self.standby.running_attempt()
        if found is None or not self.events.is_stopped(found.attempt):
            self._told = None
        elif self._told is None or self._told[0] != found.attempt:
            self._told = (found.attempt, self.clock())
        elif self.clock() - self._told[1] >= self.grace_seconds:
            self._kill(found, "it was told to stop and did not")

    def note(self) -> None:
        """Note that the running attempt is being returned. Called in the parent, before the child is told to stop."""
        found = self.standby.running_attempt()
        if found is not None and found.attempt not in self._noted:
            with suppress(OSError):  # the disk is full: the event alone has to do
                self._noted[found.attempt] = self.returned.note(found.attempt, self.worker)

    def stop(self) -> None:
        """Begin to look that the running step is returned, as the worker is to stop; returns at once."""
        threading.Thread(target=self._end_in_time, name="ending", daemon=True).start()

    def _end_in_time(self) -> None:
        deadline = self.clock() + self.stop_grace_seconds
        while True:  # until the process ends: a child may just have claimed a step, and not have noted it yet
            self.note()
            found = self.standby.running_attempt()
            if found is not None and self.clock() >= deadline:
                self._kill(found, "the worker is being stopped")
                names = found.attempt.model_dump()
                self.events.post_if_possible(StepReturned.model_validate(names | {"worker": self.worker}))
                self.leave(0)
            time.sleep(_LOOK_SECONDS)

    def _kill(self, found: RunningAttempt, why: str) -> None:
        logger.warning("killing the child %d, which runs %s: %s", found.process, found.attempt.step_key[:12], why)
        for process in (*_descendants(found.process), found.process):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _descendants(process: int) -> Iterator[int]:
    """Processes that this one has started and that run, and theirs: decoders of images, mostly. Linux only."""
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # it has ended since
            for child in map(int, tasks.read_text().split()):
                yield from _descendants(child)
                yield child
