"""Connections: PostgreSQL, or SQLite shared by several processes of one machine.

One transaction writes at a time, on either: SQLite has it no other way, and on PostgreSQL an advisory lock does the
same. Transactions here take milliseconds while steps take minutes, and in return no rule of the ledger ever meets a
state that changes under it, and nothing can deadlock.

The writers of a process wait for one another before they take a connection: otherwise, those that wait for the lock of
the database would take all connections, and nothing could be read, not even a token.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from edgepress_api.database.changes import CHANNEL, Changes
from edgepress_api.database.impatient_connection import OPTIONS, ImpatientConnection

_SQLITE_BUSY_SECONDS = 30  # another process's transaction is over long before
_POOL_SECONDS = 5
_CONNECTIONS = 15  # of a process; all are kept, since to open one takes longer than a request
_TURN_SECONDS = 20.0  # of all writers of a process together; each takes milliseconds
_WRITER_LOCK = 0x45646765  # a number that no other program locks in this database: "Edge"


class Database:
    """Creates sessions, each one transaction.

    A transaction that writes says so at its beginning, and waits its turn there: one that has read first and only then
    wants to write would decide on what may no longer be true.

    Attributes:
        changes: Notifies of what any process has changed.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_engine(parsed, connect_args={"timeout": _SQLITE_BUSY_SECONDS})
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            # A request that waits longer for a connection is answered with 503; by then the server is most likely gone.
            self._engine = create_engine(
                parsed,
                pool_pre_ping=True,
                pool_size=_CONNECTIONS,
                max_overflow=0,
                pool_timeout=_POOL_SECONDS,
                connect_args=OPTIONS,
            )
            event.listen(self._engine, "do_connect", _connect_postgresql)
            event.listen(self._engine, "checkin", _expect_ping)
            event.listen(self._engine, "checkout", _expect_statements)
            event.listen(self._engine, "begin", _begin_postgresql)
        self._writing = self._engine.execution_options(edgepress_writes=True)
        self._turn = threading.Lock()
        self.changes = Changes(self._engine)

    @property
    def engine(self) -> Engine:
        """The engine, for migrations."""
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that only reads; it sees one state of the database throughout."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that writes: committed when the block ends, rolled back when it raises.

        Raises:
            OperationalError: The database does not answer, or other writers of this process take too long.
        """
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            reason = TimeoutError(f"other transactions that write have not ended within {_TURN_SECONDS:g} s")
            raise OperationalError("BEGIN", None, reason)
        try:
            with Session(self._writing, expire_on_commit=False) as session, session.begin():
                yield session
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, below
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer
    cursor.execute("PRAGMA synchronous=FULL")  # a 202 must survive a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _writes(connection) else "BEGIN")


def _connect_postgresql(_: Dialect, __: object, arguments: list[Any], options: dict[str, Any]) -> ImpatientConnection:
    return ImpatientConnection.connect(*arguments, **options)


def _expect_ping(connection: ImpatientConnection | None, _: object) -> None:
    if connection is not None:  # it is None once it was closed
        connection.expect_ping()


def _expect_statements(connection: ImpatientConnection, *_: object) -> None:
    connection.expect_statements()


def _begin_postgresql(connection: Connection) -> None:
    if _writes(connection):
        # The notification is sent when the transaction is committed.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK}), pg_notify('{CHANNEL}', '')")


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("edgepress_writes", False))
