"""The scheduler's round: take in, take back, send out.

It keeps nothing in memory between rounds but since when it has heard workers, so it can be stopped, killed or started
twice at any moment.

Nobody is taken for dead who may have spoken without being heard. While Redis or the database is away, or no scheduler
runs, workers go on, and hold what they have to say; so their leases are looked at only after all that was said
meanwhile has been taken in, and after they could be heard for the length of a lease. Devices speak through the gateway,
whatever becomes of Redis: their leases are looked at in any case.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError as DatabaseAwayError

from edgepress_api.database import Database
from edgepress_api.devices.waiting import look_after_waiting
from edgepress_api.jobs.time_limits import enforce_time_limits
from edgepress_api.scheduler.broker import BATCH
from edgepress_api.scheduler.dispatch import choose_steps
from edgepress_api.scheduler.intake import Mailbox, take_in
from edgepress_api.steps.ledger import Ledger
from edgepress_common.alive import SignOfLife
from edgepress_common.messages import QUEUES, RunStep
from edgepress_common.steps import StepKind

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0  # before trying again what is away
_LIMITS_PAUSE = timedelta(seconds=5)  # nobody's limit is finer than that
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Sender(Protocol):
    """Sends steps to workers."""

    def send(self, step: RunStep) -> None:
        """Sends one step to the queue of its kind."""
        ...


@dataclass
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

    def __post_init__(self) -> None:
        self._hears_since: datetime | None = self.began
        self._limits_looked_at = _ALWAYS

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
                self._hears_since = None
                self.wait(_PAUSE_SECONDS)
            else:
                if away:
                    logger.info("all is back")
                away = False
                self.alive.give()

    def round(self) -> None:
        """One round."""
        self._expire(["evaluation"])
        if self.clock() - self._limits_looked_at >= _LIMITS_PAUSE:
            self._limits_looked_at = self.clock()
            enforce_time_limits(self.database, self.ledger, self.clock())
        look_after_waiting(self.database, self.ledger, self.clock(), began=self.began)
        while take_in(self.database, self.ledger, self.mailbox, self.clock()) >= BATCH:
            pass  # there may be more
        if self._hears_since is None:
            self._hears_since = self.clock()
        if self.clock() - self._hears_since >= self.ledger.rules.lease:
            self._expire(list(QUEUES))
        for step in choose_steps(self.database, self.ledger, self.clock(), ahead=self.ahead):
            self.sender.send(step)
            logger.info("sent %s %s, attempt %d", step.parameters.kind, step.step_key[:12], step.attempt)

    def _expire(self, kinds: Sequence[StepKind]) -> None:
        with self.database.read() as session:
            overdue = self.ledger.overdue(session, self.clock(), kinds)
        if overdue:
            with self.database.write() as session:
                self.ledger.expire(session, self.clock(), kinds)
