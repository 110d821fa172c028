"""The scheduler's round: consume events, end expired leases, extend plans, send steps.

Between rounds it keeps only the time since which it receives events of workers in memory, so it can be stopped, killed
or started twice at any time.

A worker whose heartbeats may have been lost is not considered dead. While Redis or the database is unavailable, or no
scheduler runs, workers continue and keep their events. So their leases are checked only after all events of that time
are consumed, and after events could be received for the length of a lease. Devices report through the gateway, which
needs no Redis for that: their leases are always checked.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError as DatabaseAwayError

from edgepress_api.database import Database
from edgepress_api.devices.waiting import look_after_waiting
from edgepress_api.jobs.growing import grow_plans
from edgepress_api.jobs.time_limits import enforce_time_limits
from edgepress_api.notifications.devices import watch_devices
from edgepress_api.planners.registry import Planners
from edgepress_api.scheduler.broker import BATCH
from edgepress_api.scheduler.dispatch import choose_steps
from edgepress_api.scheduler.idling import Idling
from edgepress_api.scheduler.intake import Inbox, consume_events
from edgepress_api.steps.ledger import Ledger
from edgepress_common.heartbeat import Heartbeat
from edgepress_common.messages import QUEUES, RunStep
from edgepress_common.steps import StepKind

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0  # before the next try of an unavailable service
_LIMITS_PAUSE = timedelta(seconds=5)  # no limit needs a finer check
_AWAY = (RedisError, OSError, DatabaseAwayError)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Sender(Protocol):
    """Sends steps to workers."""

    def send(self, step: RunStep) -> None:
        """Send one step to the queue of its kind and its machine."""
        ...


@dataclass
class Scheduler:
    """Runs the rounds of the scheduler.

    Attributes:
        ahead: See `choose_steps`.
        clock: Returns the current time.
        wait: Sleeps for a number of seconds, or until the scheduler has to stop.
        began: Start of this process; before it, a worker or device may not have been able to report.
        heartbeat: Beats with each round.
        planners: The planners that create the pipelines of jobs.
    """

    database: Database
    ledger: Ledger
    inbox: Inbox
    sender: Sender
    ahead: int
    clock: Callable[[], datetime]
    wait: Callable[[float], object]
    began: datetime = _ALWAYS
    heartbeat: Heartbeat = field(default_factory=lambda: Heartbeat(None))
    planners: Planners = field(default_factory=Planners)

    def __post_init__(self) -> None:
        self._hears_since: datetime | None = self.began
        self._limits_looked_at = _ALWAYS
        self._idling = Idling(self.database, self.inbox.wake)

    def wake(self) -> None:
        """Begin the next round soon: the database has changed, or the scheduler is to stop. Called by any thread."""
        self._idling.note_change()

    def run(self, stopping: Callable[[], bool]) -> None:
        """Run rounds until told to stop."""
        with self.database.changes.subscribed(self.wake):
            self._run(stopping)

    def _run(self, stopping: Callable[[], bool]) -> None:
        away = False
        self._resend()
        while not stopping():
            try:
                self.round()
            except _AWAY as error:
                if not away:
                    logger.warning("waiting for a service that is unavailable: %s", error)
                away = True
                self._hears_since = None
                self.wait(_PAUSE_SECONDS)
            else:
                if away:
                    logger.info("all is back")
                away = False
                self.heartbeat.beat()
        with suppress(*_AWAY):  # a worker that was stopped before this process has returned its step
            while consume_events(self.database, self.ledger, self.inbox, self.clock):
                pass

    def round(self) -> None:
        """Run one round."""
        self._expire(["evaluation"])
        if self.clock() - self._limits_looked_at >= _LIMITS_PAUSE:
            self._limits_looked_at = self.clock()
            enforce_time_limits(self.database, self.ledger, self.clock())
            watch_devices(self.database, self.clock(), began=self.began)
        look_after_waiting(self.database, self.ledger, self.clock(), began=self.began)
        wait = self._idling.seconds
        while consume_events(self.database, self.ledger, self.inbox, self.clock, wait_seconds=wait()) >= BATCH:
            pass  # there may be more
        self._idling.awake()
        if self._hears_since is None:
            self._hears_since = self.clock()
        if self.clock() - self._hears_since >= self.ledger.rules.lease:
            self._expire(list(QUEUES))
        grow_plans(self.database, self.ledger, self.planners, self.clock())
        workers = self.inbox.workers
        for step in choose_steps(self.database, self.ledger, self.clock(), ahead=self.ahead, workers=workers):
            self.sender.send(step)
            where = "" if step.machine_id is None else f", to machine {step.machine_id}"
            logger.info("sent %s %s, attempt %d%s", step.parameters.kind, step.step_key[:12], step.attempt, where)

    def _resend(self) -> None:
        """Send again, in the first round, what no worker had begun: Redis may have ended with the last scheduler."""
        with suppress(DatabaseAwayError), self.database.write() as session:
            self.ledger.resend(session, self.clock())

    def _expire(self, kinds: Sequence[StepKind]) -> None:
        with self.database.read() as session:
            overdue = self.ledger.overdue(session, self.clock(), kinds)
        if overdue:
            with self.database.write() as session:
                self.ledger.expire(session, self.clock(), kinds)
