"""Moments at which to break something: seen in the database, the store, and what the worker writes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from chaos.stack import BreakableStack
from edgepress_api.database import StepRow

Moment = Literal[
    "any time", "just begun", "in an epoch", "after epochs", "while an artifact is put", "just finished", "measuring"
]

_LOOK_SECONDS = 0.02
_FURTHER_SECONDS = 240.0
_EPOCHS = 2  # that an attempt makes before the moment "after epochs": it has saved its state by then
PATIENCE_SECONDS = 10.0  # then it is done at any moment


class ObservedStep(NamedTuple):
    """A step, and how far it is."""

    key: str
    state: str
    attempt: int
    kind: str
    fraction: float
    epoch: int


@dataclass
class Lookout:
    """Waits for moments."""

    stack: BreakableStack
    _log_read: int = field(default=0, init=False)
    _first_epochs: dict[tuple[str, int], int] = field(default_factory=dict, init=False)

    def wait_for(self, moment: Moment, *, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Returns at such a moment, or after some seconds in vain; tells which."""
        if moment == "any time":
            return True
        deadline = time.monotonic() + patience_seconds
        begun = {(step.key, step.attempt) for step in self.active()}
        incoming = set(self._incoming())
        self._newly_written()
        while time.monotonic() < deadline:
            if self._is_now(moment, begun, incoming):
                return True
            # What is put is put within milliseconds.
            time.sleep(_LOOK_SECONDS / 10 if moment == "while an artifact is put" else _LOOK_SECONDS)
        return False

    def _is_now(self, moment: Moment, begun: set[tuple[str, int]], incoming: set[str]) -> bool:
        match moment:
            case "just begun":
                now = any((step.key, step.attempt) not in begun for step in self.active())
            case "in an epoch":
                now = any(step.kind == "stage" and 0 < step.fraction < 1 for step in self.active())
            case "after epochs":
                now = any(step.kind == "stage" and self._epochs_made(step) >= _EPOCHS for step in self.active())
            case "measuring":
                now = any(step.kind == "evaluation" for step in self.active())
            case "while an artifact is put":
                now = not incoming.issuperset(self._incoming())
            case "just finished":
                now = ": finished " in self._newly_written()
            case "any time":
                now = True
        return now

    def _epochs_made(self, step: ObservedStep) -> int:
        """Return the number of epochs that this attempt has made, as far as it was seen."""
        if not 0 < step.fraction < 1:
            return 0
        return step.epoch - self._first_epochs.setdefault((step.key, step.attempt), step.epoch)

    def _incoming(self) -> list[str]:
        """Return the artifacts that are being put, and those left by killed processes."""
        folder = (self.stack.disk or self.stack.home) / "artifacts" / "incoming"
        return os.listdir(folder) if folder.exists() else []  # noqa: PTH208 - the quickest way there is

    def active(self) -> list[ObservedStep]:
        """Return the steps with a running attempt; none while the database does not answer."""
        return [step for step in self._steps() if step.state == "running"]

    def wait_until_further(self, steps: Sequence[ObservedStep]) -> None:
        """Returns when each of these steps is done, or with another attempt and further than its beginning."""
        deadline = time.monotonic() + _FURTHER_SECONDS
        left = {step.key: step.attempt for step in steps}
        while left and time.monotonic() < deadline:
            for step in self._steps():
                is_further = step.state == "running" and step.attempt > left.get(step.key, step.attempt)
                if step.state == "succeeded" or (is_further and step.fraction > 0):
                    left.pop(step.key, None)
            time.sleep(_LOOK_SECONDS)

    def _steps(self) -> list[ObservedStep]:
        try:
            with self.stack.database.read() as session:
                rows = session.execute(
                    select(StepRow.key, StepRow.state, StepRow.attempt, StepRow.kind, StepRow.progress)
                ).all()
        except OperationalError:  # it is refusing
            return []
        return [
            ObservedStep(
                key, state, attempt, kind, progress.fraction if progress else 0, (progress and progress.epoch) or 0
            )
            for key, state, attempt, kind, progress in rows
        ]

    def _newly_written(self) -> str:
        log = self.stack.stack.folder.log("worker")
        with log.open("rb") as written:
            written.seek(self._log_read)
            text = written.read().decode(errors="replace")
            self._log_read = written.tell()
        return text
