"""The scheduler's round: take in, take back, send out.

It keeps nothing in memory between rounds, so it can be stopped, killed or started twice at any moment. When Redis is
away it goes on taking back what is overdue, and says so once.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError as DatabaseAwayError

from edgepress_api.database import Database
from edgepress_api.devices.waiting import look_after_waiting
from edgepress_api.scheduler.dispatch import choose_steps
from edgepress_api.scheduler.intake import Mailbox, take_in
from edgepress_api.steps.ledger import Ledger
from edgepress_common.alive import SignOfLife
from edgepress_common.messages import RunStep

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0  # before trying again what is away
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Sender(Protocol):
    """Sends steps to workers."""

    def send(self, step: RunStep) -> None:
        """Sends one step to the queue of its kind."""
        ...


@dataclass(frozen=True)
class Scheduler:
    """Runs rounds.

    Attributes:
        ahead: See `choose_steps`.
        clock: The present moment.
        wait: Sleeps for so many seconds, or until it is time to stop.
        began: When this process did: what was not heard of before then may not have been able to speak.
        alive: Given a sign with each round that went through.
    """

    database: Database
    ledger: Ledger
    mailbox: Mailbox
    sender: Sender
    ahead: int
    clock: Callable[[], datetime]
    wait: Callable[[float], object]
    began: datetime = _ALWAYS
    alive: SignOfLife = field(default_factory=lambda: SignOfLife(None))

    def run(self, stopping: Callable[[], bool]) -> None:
        """Runs rounds until told to stop."""
        away = False
        while not stopping():
            try:
                self.round()
            except (RedisError, OSError, DatabaseAwayError) as error:
                if not away:
                    logger.warning("waiting for what is away: %s", error)
                away = True
                self.wait(_PAUSE_SECONDS)
            else:
                if away:
                    logger.info("all is back")
                away = False
                self.alive.give()

    def round(self) -> None:
        """One round."""
        with self.database.read() as session:
            overdue = self.ledger.overdue(session, self.clock())
        if overdue:
            with self.database.write() as session:
                self.ledger.expire(session, self.clock())
        look_after_waiting(self.database, self.ledger, self.clock(), began=self.began)
        take_in(self.database, self.ledger, self.mailbox, self.clock())
        for step in choose_steps(self.database, self.ledger, self.clock(), ahead=self.ahead):
            self.sender.send(step)
            logger.info("sent %s %s, attempt %d", step.parameters.kind, step.step_key[:12], step.attempt)
