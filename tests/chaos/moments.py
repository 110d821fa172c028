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

Moment = Literal["any time", "just begun", "in an epoch", "while an artifact is put", "just finished", "measuring"]

_LOOK_SECONDS = 0.02
_FURTHER_SECONDS = 240.0
PATIENCE_SECONDS = 10.0  # then it is done at whatever moment it is


class UnderWay(NamedTuple):
    """A step, and how far it is."""

    key: str
    state: str
    attempt: int
    kind: str
    fraction: float


@dataclass
class Lookout:
    """Waits for moments."""

    stack: BreakableStack
    _log_read: int = field(default=0, init=False)

    def wait_for(self, moment: Moment, *, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Returns at such a moment, or after some seconds in vain; tells which."""
        if moment == "any time":
            return True
        deadline = time.monotonic() + patience_seconds
        begun = {(step.key, step.attempt) for step in self.under_way()}
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
                return any((step.key, step.attempt) not in begun for step in self.under_way())
            case "in an epoch":
                return any(step.kind == "stage" and 0 < step.fraction < 1 for step in self.under_way())
            case "measuring":
                return any(step.kind == "evaluation" for step in self.under_way())
            case "while an artifact is put":
                return not incoming.issuperset(self._incoming())
            case "just finished":
                return ": finished " in self._newly_written()
            case "any time":
                return True

    def _incoming(self) -> list[str]:
        """What is being put, and what was left by those who were killed."""
        folder = (self.stack.disk or self.stack.home) / "artifacts" / "incoming"
        return os.listdir(folder) if folder.exists() else []  # noqa: PTH208 - the quickest way there is

    def under_way(self) -> list[UnderWay]:
        """The steps that somebody has at the moment; none while the database can't be asked."""
        return [step for step in self._steps() if step.state == "running"]

    def wait_until_further(self, steps: Sequence[UnderWay]) -> None:
        """Returns when each of these steps is done, or with another attempt and further than its beginning."""
        deadline = time.monotonic() + _FURTHER_SECONDS
        left = {step.key: step.attempt for step in steps}
        while left and time.monotonic() < deadline:
            for step in self._steps():
                is_further = step.state == "running" and step.attempt > left.get(step.key, step.attempt)
                if step.state == "succeeded" or (is_further and step.fraction > 0):
                    left.pop(step.key, None)
            time.sleep(_LOOK_SECONDS)

    def _steps(self) -> list[UnderWay]:
        try:
            with self.stack.database.read() as session:
                rows = session.execute(
                    select(StepRow.key, StepRow.state, StepRow.attempt, StepRow.kind, StepRow.progress)
                ).all()
        except OperationalError:  # it is refusing
            return []
        return [
            UnderWay(key, state, attempt, kind, progress.fraction if progress else 0)
            for key, state, attempt, kind, progress in rows
        ]

    def _newly_written(self) -> str:
        log = self.stack.stack.folder.log("worker")
        with log.open("rb") as written:
            written.seek(self._log_read)
            text = written.read().decode(errors="replace")
            self._log_read = written.tell()
        return text
