"""Notification of changes that any process commits to the database, so that processes wait instead of asking.

- PostgreSQL: each transaction that writes notifies a channel (`edgepress_api.database.engine`), and one connection
  listens to it. Waiting costs nothing.
- SQLite: one connection reads ``PRAGMA data_version`` ten times a second, a number in memory that SQLite increases with
  each commit of another connection. That costs a thousandth of a processor.

A thread does this while there are subscribers. A notification can be missed while the database is unavailable, and says
nothing about what was changed: subscribers read the database, and read it again after a longer pause.
"""

import logging
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

logger = logging.getLogger(__name__)

CHANNEL = "edgepress_changed"

_LOOK_SECONDS = 0.1  # SQLite: also how late a change is noticed
_CHECK_SECONDS = 1.0  # PostgreSQL: how late the thread notices that there are no subscribers
_RETRY_SECONDS = 1.0

Notify = Callable[[], object]


class Changes:
    """Calls functions after each change of a database.

    Args:
        engine: The database's engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._subscribers: set[Notify] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def subscribed(self, notify: Notify) -> Iterator[None]:
        """Call a function after each change, as long as the block lasts.

        Args:
            notify: The function, which is called in another thread, also once after the thread has connected. It must
                return quickly, and must not be subscribed twice.
        """
        with self._lock:
            self._subscribers.add(notify)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="database-changes", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._subscribers.discard(notify)

    def notify(self) -> None:
        """Call the subscribers' functions now; also from a signal handler, as it takes no lock."""
        for notify in tuple(self._subscribers):
            notify()

    def _run(self) -> None:
        pause = threading.Event()
        while not self._is_over():
            try:
                pooled = self._engine.raw_connection()
                connection: Any = pooled.driver_connection
                pooled.detach()  # it is kept for long
                with closing(connection):
                    self._watch(connection, pause)
            except (SQLAlchemyError, OSError, self._engine.dialect.loaded_dbapi.Error) as error:
                logger.warning("changes of the database can't be watched: %s", error)
                pause.wait(_RETRY_SECONDS)

    def _is_over(self) -> bool:
        with self._lock:
            if not self._subscribers:
                self._thread = None
            return self._thread is None

    def _watch(self, connection: Any, pause: threading.Event) -> None:
        changed = _sqlite(connection, pause) if self._engine.dialect.name == "sqlite" else _postgresql(connection)
        next(changed)
        self.notify()  # for what was changed before
        while self._subscribers:
            if next(changed):
                self.notify()


def _sqlite(connection: Any, pause: threading.Event) -> Iterator[bool]:
    """Yield whether the database has changed since the last look, after a pause each."""
    known = None
    while True:
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        yield version != known
        known = version
        pause.wait(_LOOK_SECONDS)


def _postgresql(connection: Any) -> Iterator[bool]:
    """Yield whether a notification has arrived, at least once a second."""
    connection.autocommit = True
    connection.execute(f"LISTEN {CHANNEL}")
    yield True
    while True:
        # Not `Connection.notifies`, which looks ten times a second.
        select.select([connection.fileno()], [], [], _CHECK_SECONDS)
        connection.pgconn.consume_input()
        found = False
        while connection.pgconn.notifies() is not None:
            found = True
        yield found
