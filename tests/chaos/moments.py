"""Moments at which to break something: seen in the database, the store, and what the worker writes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from chaos.stack import BreakableStack
from edgepress_api.database import StepRow

Moment = Literal["any time", "just begun", "in an epoch", "while an artifact is put", "just finished", "measuring"]

_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 10.0  # then it is done at whatever moment it is


class UnderWay(NamedTuple):
    """A step that somebody has."""

    key: str
    attempt: int
    kind: str
    fraction: float


@dataclass
class Lookout:
    """Waits for moments."""

    stack: BreakableStack
    _log_read: int = field(default=0, init=False)

    def wait_for(self, moment: Moment) -> bool:
        """Returns at such a moment, or after some seconds in vain; tells which."""
        if moment == "any time":
            return True
        deadline = time.monotonic() + _PATIENCE_SECONDS
        before = {(step.key, step.attempt) for step in self._under_way()}
        self._newly_written()
        while time.monotonic() < deadline:
            if self._is_now(moment, before):
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def _is_now(self, moment: Moment, before: set[tuple[str, int]]) -> bool:
        match moment:
            case "just begun":
                return any((step.key, step.attempt) not in before for step in self._under_way())
            case "in an epoch":
                return any(step.kind == "stage" and 0 < step.fraction < 1 for step in self._under_way())
            case "measuring":
                return any(step.kind == "evaluation" for step in self._under_way())
            case "while an artifact is put":
                return any(self._store.joinpath("incoming").glob("*"))
            case "just finished":
                return ": finished " in self._newly_written()
            case "any time":
                return True

    @property
    def _store(self) -> Path:
        return (self.stack.disk or self.stack.home) / "artifacts"

    def _under_way(self) -> list[UnderWay]:
        try:
            with self.stack.database.read() as session:
                rows = session.execute(
                    select(StepRow.key, StepRow.attempt, StepRow.kind, StepRow.progress).where(
                        StepRow.state == "running"
                    )
                ).all()
        except OperationalError:  # it is refusing
            return []
        return [
            UnderWay(key, attempt, kind, progress.fraction if progress else 0) for key, attempt, kind, progress in rows
        ]

    def _newly_written(self) -> str:
        log = self.stack.stack.folder.log("worker")
        with log.open("rb") as written:
            written.seek(self._log_read)
            text = written.read().decode(errors="replace")
            self._log_read = written.tell()
        return text
