"""A database whose process is killed at a chosen transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy.orm import Session

from edgepress_api.database import Database

Moment = Literal["before", "within", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "within", "after")


class Killed(BaseException):
    """The process is gone."""


class KillableDatabase(Database):
    """Counts the transactions that write, and raises `Killed` before, within, or after the chosen ones."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.kills: dict[int, Moment] = {}
        self.writes = 0

    @contextmanager
    def write(self) -> Iterator[Session]:
        """See `Database.write`."""
        moment = self.kills.get(self.writes)
        self.writes += 1
        if moment == "before":
            raise Killed
        with super().write() as session:
            yield session
            if moment == "within":
                raise Killed
        if moment == "after":
            raise Killed
