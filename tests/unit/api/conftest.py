"""A database for each test: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from edgepress_api.database import Base, Database, IdentityRow
from edgepress_api.database.migrate import is_current, migrate
from edgepress_api.steps.ledger import Ledger, Rules

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database: a file that does not exist, or a server's with the tables of an earlier test."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/edgepress.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def bare_database(database_url: str) -> Iterator[Database]:
    """A database without a table."""
    database = Database(database_url)
    if database.engine.name == "postgresql":
        _drop_tables(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the current schema: a copy takes a hundredth of the time of the migrations."""
    file = tmp_path_factory.mktemp("migrated") / "edgepress.db"
    database = Database(f"sqlite:///{file}")
    migrate(database)
    database.close()
    return file


@pytest.fixture
def database(database_url: str, migrated_file: Path) -> Iterator[Database]:
    """An empty database with the current schema."""
    database = Database(database_url)
    if database.engine.name == "sqlite":
        shutil.copy(migrated_file, str(database.engine.url.database))
    elif is_current(database):
        tables = ", ".join(table for table in Base.metadata.tables if table != IdentityRow.__tablename__)
        with database.write() as session:
            session.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    else:
        _drop_tables(database)
        migrate(database)
    yield database
    database.close()


def _drop_tables(database: Database) -> None:
    with database.write() as session:
        session.execute(text("DROP SCHEMA public CASCADE"))
        session.execute(text("CREATE SCHEMA public"))


@pytest.fixture
def ledger() -> Ledger:
    """A ledger with a lease of a minute and three attempts."""
    return Ledger(Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=3))


@pytest.fixture
def now() -> datetime:
    """A moment."""
    return NOW
