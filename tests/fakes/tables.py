"""A database's tables without the migrations, which take a second each time."""

from datetime import UTC, datetime

from edgepress_api.database import Base, Database, IdentityRow

BEFORE_ALL = datetime(2020, 1, 1, tzinfo=UTC)


def create_tables(database: Database) -> None:
    """Creates them as the migrations leave them: empty, but for who the database is."""
    Base.metadata.create_all(database.engine)
    with database.write() as session:
        session.add(IdentityRow(name="made-for-a-test", created_at=BEFORE_ALL))
