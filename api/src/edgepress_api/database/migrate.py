"""Brings a database to the schema of this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from edgepress_api.database.engine import Database


def migrate(database: Database, revision: str = "head") -> None:
    """Runs the migrations that the database has not had, up to a revision. Safe to call when there are none."""
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.write() as session:
        configuration.attributes["connection"] = session.connection()
        command.upgrade(configuration, revision)
