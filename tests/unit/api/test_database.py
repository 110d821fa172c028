"""Migrations and transactions, on SQLite and PostgreSQL."""

import threading
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select

from edgepress_api.database import Base, Database, DatasetRow
from edgepress_api.database.migrate import migrate
from edgepress_api.database_url import verified_url
from edgepress_api.settings import ApiSettings
from edgepress_common.errors import InvalidInputError

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


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("foo", "is not the URL of a database; accepted: sqlite:///FILE, or postgresql"),
        ("postgresql://anna:secret@host:abc/name", "is not the URL of a database"),
        ("mysql://anna:secret@host/name", "names the database 'mysql'; accepted: sqlite:///FILE"),
        ("sqlite:///{folder}/text", "text, which is not a database of SQLite"),
        ("sqlite:///{folder}", "which can't be read (Is a directory)"),
    ],
)
def test_a_url_that_can_not_be_used_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    """The gateway, the scheduler and commands say so before they open it, never with the password."""
    (tmp_path / "text").write_text("not a database, but long enough for one")
    monkeypatch.setenv("EDGEPRESS_DATABASE_URL", url.format(folder=tmp_path))
    with pytest.raises(InvalidInputError) as caught:
        ApiSettings.read()
    assert str(caught.value).startswith("EDGEPRESS_DATABASE_URL: ")
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_database_that_does_not_exist_yet_or_is_empty_is_accepted(tmp_path: Path) -> None:
    """The gateway creates it; a database of an earlier version is migrated."""
    (tmp_path / "empty.db").touch()
    for name in ("new/edgepress.db", "empty.db"):
        assert verified_url(f"sqlite:///{tmp_path}/{name}")
    made = Database(f"sqlite:///{tmp_path}/made.db")
    migrate(made)
    made.close()
    assert verified_url(f"sqlite:///{tmp_path}/made.db")
