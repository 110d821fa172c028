"""Heartbeats from the worker's parent process, for when the child that runs the step can't send any.

TensorFlow's converter holds Python's lock while it works (half of the time that an export takes), so no thread of that
process runs: a large network on a busy machine would miss its heartbeats for longer than its lease. The parent computes
nothing. The child notes in memory that the two share which step it runs; the parent's loop sends that again and again,
for as long as the child lives.

The note is a few bytes without a lock, since a child that is killed would keep the lock for ever. It is written once
before a step and once after; a note that is read half written names no step and is ignored.
"""

import ctypes
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from celery import bootsteps
from pydantic import ValidationError

from edgepress_common.messages import AttemptName, RunStep, StepStarted
from edgepress_worker.runtime.event_channel import EventChannel

_BEAT_SECONDS = 2.0  # as often as the child itself
_NOTE_BYTES = 128  # a key of 64 characters, an attempt, a process


class RunningAttempt(NamedTuple):
    """An attempt, and the child process that runs it."""

    attempt: AttemptName
    process: int


class Standby:
    """Which step the child runs, as its parent sees it. To be made before the child is forked."""

    def __init__(self) -> None:
        self._note = multiprocessing.get_context("fork").RawArray(ctypes.c_char, _NOTE_BYTES)

    @contextmanager
    def working_on(self, step: RunStep) -> Iterator[None]:
        """Note that this process runs the step for as long as the block lasts."""
        self._note.value = f"{step.step_key} {step.attempt} {os.getpid()}".encode()
        try:
            yield
        finally:
            self._note.value = b""

    def running_attempt(self) -> RunningAttempt | None:
        """Return the attempt that the child runs; None if it runs none or is dead."""
        with suppress(ValueError, ValidationError, ProcessLookupError):
            step_key, attempt, process = self._note.value.decode().split()
            os.kill(int(process), 0)
            return RunningAttempt(AttemptName(step_key=step_key, attempt=int(attempt)), int(process))
        return None

    def say(self, events: EventChannel, worker: str) -> None:
        """Send the child's heartbeat, if it runs a step."""
        found = self.running_attempt()
        if found is not None:
            names = found.attempt.model_dump()
            events.post_if_possible(StepStarted.model_validate(names | {"worker": worker}))


def standby_step(*looks: Callable[[], object]) -> type[bootsteps.StartStopStep]:
    """Return a part of a Celery worker that calls functions in the parent's loop, every other second."""

    class StandbyStep(bootsteps.StartStopStep):
        """See the module."""

        requires = ("celery.worker.components:Timer",)

        def start(self, parent: Any) -> None:
            """Begins."""
            for look in looks:
                parent.timer.call_repeatedly(_BEAT_SECONDS, look)

    return StandbyStep
