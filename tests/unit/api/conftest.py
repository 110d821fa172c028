"""A database for each test: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_api.steps.ledger import Ledger, Rules

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bare_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/edgepress.db")
    else:
        database = Database(request.getfixturevalue("postgres_url"))
        with database.write() as session:
            session.execute(text("DROP SCHEMA public CASCADE"))
            session.execute(text("CREATE SCHEMA public"))
    yield database
    database.close()


@pytest.fixture
def database(bare_database: Database) -> Database:
    """An empty database with the current schema."""
    migrate(bare_database)
    return bare_database


@pytest.fixture
def ledger() -> Ledger:
    """A ledger with a lease of a minute and three attempts."""
    return Ledger(Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=3))


@pytest.fixture
def now() -> datetime:
    """A moment."""
    return NOW
