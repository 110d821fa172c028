"""Migrates a database to the schema of this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from edgepress_api.database.engine import Database


def migrate(database: Database, revision: str = "head") -> None:
    """Run the migrations that the database does not have yet, up to a revision. Does nothing if there are none."""
    configuration = _configuration()
    with database.write() as session:
        configuration.attributes["connection"] = session.connection()
        command.upgrade(configuration, revision)


def is_current(database: Database) -> bool:
    """Return whether a database has the schema of this version, without changing it."""
    newest = ScriptDirectory.from_config(_configuration()).get_current_head()
    with database.read() as session:
        return MigrationContext.configure(session.connection()).get_current_revision() == newest


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return configuration
