"""Migrations and transactions, on SQLite and PostgreSQL."""

import threading
from datetime import datetime

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select

from edgepress_api.database import Base, Database, DatasetRow
from edgepress_api.database.migrate import migrate

SECONDS = 15.0  # less than any writer waits


def test_migrations_give_the_tables_that_the_code_expects(database: Database) -> None:
    """The migrated schema and the tables of the code differ in nothing."""
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    """A gateway that starts on a current database goes on at once."""
    migrate(database)


def test_writers_wait_for_one_another(database: Database, now: datetime) -> None:
    """Read, decide, write holds together: ten threads that each add one to what they counted end at ten."""

    def add_one() -> None:
        with database.write() as session:
            count = session.scalar(select(func.count()).select_from(DatasetRow)) or 0
            session.add(
                DatasetRow(
                    sha256=f"{count:064d}", name="set", media_type="application/zip", size_bytes=1, created_at=now
                )
            )

    threads = [threading.Thread(target=add_one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(DatasetRow)) == 10


def test_writers_that_wait_leave_connections_to_readers(database: Database) -> None:
    """50 transactions wait to write, more than there are connections, and a reader does not wait for them."""
    begun, over = threading.Event(), threading.Event()

    def write() -> None:
        with database.write():
            begun.set()
            over.wait(SECONDS)

    writers = [threading.Thread(target=write) for _ in range(50)]
    for writer in writers:
        writer.start()
    try:
        assert begun.wait(SECONDS)
        with database.read() as session:
            assert session.scalar(select(func.count()).select_from(DatasetRow)) == 0
        assert not over.is_set()
    finally:
        over.set()
        for writer in writers:
            writer.join()


def test_times_come_back_in_utc(database: Database, now: datetime) -> None:
    """A moment is the same moment after a trip through the database."""
    with database.write() as session:
        session.add(DatasetRow(sha256="a" * 64, name="set", media_type="x", size_bytes=2**40, created_at=now))
    with database.read() as session:
        row = session.get(DatasetRow, ("local", "a" * 64))
        assert row is not None
        assert row.created_at == now
        assert row.size_bytes == 2**40
