"""Signs of life from the worker's parent process, for when the child that does the step can give none.

TensorFlow's converter holds Python's lock while it works (half of the time that an export takes), so no thread of that
process runs, whatever it is for: a large network on a busy machine would fall silent for longer than its lease. The
parent computes nothing. The child notes in memory that the two share what it is at; the parent's loop says it again
and again, as long as the child lives.

The note is a few bytes without a lock, since a child that is killed would keep the lock for ever. It is written once
before a step and once after; what is read half written names no step, and is left unsaid.
"""

import ctypes
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from celery import bootsteps
from pydantic import ValidationError

from edgepress_common.messages import RunStep, StepStarted
from edgepress_worker.runtime.line import Line

_BEAT_SECONDS = 2.0  # as often as the child itself
_NOTE_BYTES = 128  # a key of 64 characters, an attempt, a process


class Standby:
    """What the child is at, and who says so for it. To be made before the child is forked."""

    def __init__(self) -> None:
        self._note = multiprocessing.get_context("fork").RawArray(ctypes.c_char, _NOTE_BYTES)

    @contextmanager
    def working_on(self, step: RunStep) -> Iterator[None]:
        """The child is at this step for as long as the block lasts."""
        self._note.value = f"{step.step_key} {step.attempt} {os.getpid()}".encode()
        try:
            yield
        finally:
            self._note.value = b""

    def say(self, line: Line, worker: str) -> None:
        """Says for the child that it is at its step, if it is and lives."""
        with suppress(ValueError, ValidationError, ProcessLookupError):
            step_key, attempt, process = self._note.value.decode().split()
            os.kill(int(process), 0)
            line.post_if_possible(StepStarted(step_key=step_key, attempt=int(attempt), worker=worker))


def standby_step(standby: Standby, line: Line, worker: str) -> type[bootsteps.StartStopStep]:
    """A part of a Celery worker that says it in the parent's loop."""

    class StandbyStep(bootsteps.StartStopStep):
        """See the module."""

        requires = ("celery.worker.components:Timer",)

        def start(self, parent: Any) -> None:
            """Begins."""
            parent.timer.call_repeatedly(_BEAT_SECONDS, standby.say, (line, worker))

    return StandbyStep
