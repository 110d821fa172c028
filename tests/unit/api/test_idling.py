"""An idle scheduler waits for seconds, and a change of the database ends the wait; a waiting device costs nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, update

from edgepress_api.database import Database, StepRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.scheduler.idling import BUSY_SECONDS, IDLE_SECONDS
from edgepress_api.scheduler.loop import Scheduler
from edgepress_api.steps.ledger import Ledger, Rules
from fakes.broker import ListBroker
from fakes.jobs import Workforce, small_spec

RULES = Rules(lease=timedelta(minutes=1), resend_pause=timedelta(minutes=1), max_attempts=3)
PATIENCE_SECONDS = 60  # of tests that wait for an event: only a failure takes so long


class Stack:
    """A scheduler with a database, and a client that submits jobs."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ledger = Ledger(RULES)
        self.broker = ListBroker()
        self.now = datetime.now(UTC)
        self.scheduler = Scheduler(
            database=database,
            ledger=self.ledger,
            inbox=self.broker,
            sender=self.broker,
            ahead=2,
            clock=lambda: self.now,
            wait=lambda _: None,
        )
        self.workforce = Workforce(database, self.ledger, self.now)
        self.workforce.announce()

    def submit(self) -> None:
        """Submit a job, as the gateway does."""
        Submission(self.database, Fingerprints(roots=()), self.ledger).submit(small_spec(), self.now)

    def wait_of_next_round(self) -> float:
        """Run a round; return how long it would have waited for an event."""
        self.broker.waits.clear()
        self.scheduler.round()
        return self.broker.waits[0]


@pytest.fixture
def stack(database: Database) -> Stack:
    return Stack(database)


def queries_of(database: Database, action: Callable[[], object]) -> int:
    """Return the number of statements that an action executes in this thread."""
    this, count = threading.get_ident(), 0

    def note(*_: object) -> None:
        nonlocal count
        count += threading.get_ident() == this

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        action()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return count


def test_without_jobs_the_scheduler_waits_for_seconds(stack: Stack) -> None:
    """An idle round is rare, and executes few statements: at most 15 in five seconds, of which BEGIN is a third."""
    stack.scheduler.round()
    assert stack.wait_of_next_round() == IDLE_SECONDS
    assert queries_of(stack.database, stack.scheduler.round) <= 15


def test_while_workers_have_steps_the_scheduler_looks_often(stack: Stack) -> None:
    """Leases expire at any time, from the moment at which a step is ready until it has ended."""
    stack.scheduler.round()
    stack.submit()
    assert stack.wait_of_next_round() == BUSY_SECONDS
    assert stack.broker.sent
    assert stack.wait_of_next_round() == BUSY_SECONDS


def test_evaluations_that_wait_for_an_offline_device_keep_no_process_busy(stack: Stack) -> None:
    """A job may wait for its device for days."""
    stack.submit()
    with stack.database.write() as session:
        session.execute(update(StepRow).where(StepRow.kind != "evaluation").values(state="succeeded"))
        session.execute(update(StepRow).where(StepRow.kind == "evaluation").values(state="waiting"))
    stack.scheduler.round()
    assert stack.wait_of_next_round() == IDLE_SECONDS


def test_a_change_during_a_long_wait_ends_it(stack: Stack) -> None:
    """A job that is submitted while the scheduler waits wakes it, by an entry in the stream of events."""

    class Waiting(ListBroker):
        def read(self, wait_seconds: float = 0.0) -> list[tuple[str, bytes]]:
            if wait_seconds == IDLE_SECONDS:
                asleep.set()
                assert self.woken.wait(PATIENCE_SECONDS), "nothing woke the scheduler"
                self.leave(b"")
            return super().read()

    asleep = threading.Event()
    broker = Waiting()
    stack.scheduler.inbox = stack.scheduler.sender = broker
    scheduler = Scheduler(**{name: getattr(stack.scheduler, name) for name in _FIELDS})
    running = threading.Thread(target=scheduler.run, args=(lambda: bool(broker.sent),))
    running.start()
    assert asleep.wait(PATIENCE_SECONDS)
    stack.submit()
    running.join(PATIENCE_SECONDS)
    assert broker.sent
    assert b"" not in broker.mail.values()


_FIELDS = ("database", "ledger", "inbox", "sender", "ahead", "clock", "wait")


def test_a_change_between_two_waits_makes_the_next_one_short(stack: Stack) -> None:
    """The round that has just ended may not have seen it."""
    stack.scheduler.round()
    stack.scheduler.wake()
    assert stack.wait_of_next_round() == BUSY_SECONDS
    assert not stack.broker.woken.is_set()
    assert stack.wait_of_next_round() == IDLE_SECONDS


def test_subscribers_learn_of_what_another_process_commits(stack: Stack) -> None:
    """Only commits notify, not reads; and a subscription that has ended notifies no more."""
    changed = threading.Event()
    other = Database(stack.database.engine.url.render_as_string(hide_password=False))
    with stack.database.changes.subscribed(changed.set):
        assert changed.wait(PATIENCE_SECONDS), "each subscription begins with a notification"
        changed.clear()
        with other.read() as session:
            session.get(StepRow, "0" * 64)
        assert not changed.wait(0.5)
        with other.write() as session:
            session.execute(update(StepRow).values(state="ready"))
        stack.submit()
        assert changed.wait(PATIENCE_SECONDS)
    other.close()
    _until(lambda: stack.database.changes._thread is None)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
