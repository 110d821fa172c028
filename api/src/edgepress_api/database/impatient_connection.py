"""Connections to PostgreSQL that do not wait for ever for a server which has stopped answering.

A server that is paused, or cut off without a word, keeps its connections open and answers nothing: limits that the
server enforces (`statement_timeout`) do not help. So this end gives up, closes the connection and reports the database
as unavailable; the pool then connects again, which has a limit of its own.
"""

from typing import Any

import psycopg
from psycopg.errors import OperationalError
from psycopg.errors import (
    _WaitTimeout as WaitTimeoutError,
)  # what `wait` raises; tests/unit/api/test_database_paused.py

CONNECT_SECONDS = 3
_PING_SECONDS = 2.0  # what the pool asks before it hands out a connection takes a millisecond
_STATEMENT_SECONDS = 20.0  # the longest, a report of 200 pipelines, takes a second; a writer waits its turn meanwhile
_FORGOTTEN_MS = 60_000  # a transaction of a process that was stopped in its middle holds up all writers

# For libpq: the server ends forgotten transactions, the kernel connections whose other end is gone.
OPTIONS: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "options": f"-c idle_in_transaction_session_timeout={_FORGOTTEN_MS}",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server which does not answer.

    Attributes:
        limit_seconds: How long one exchange with the server may take.
    """

    limit_seconds = _STATEMENT_SECONDS

    def expect_ping(self) -> None:
        """The next exchange is the pool's question whether the server is there."""
        self.limit_seconds = _PING_SECONDS

    def expect_statements(self) -> None:
        """The next exchanges are those of a transaction."""
        self.limit_seconds = _STATEMENT_SECONDS

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """See `psycopg.Connection.wait`.

        Raises:
            OperationalError: The server has not answered in time; the connection is closed.
        """
        limit_seconds = self.limit_seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit_seconds)
        except WaitTimeoutError:
            self.pgconn.finish()
            raise OperationalError(f"the server has not answered within {limit_seconds:g} s") from None
