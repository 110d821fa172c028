"""``edgepress-migrate``: brings the database to the schema of this version, and ends.

The gateway does the same when it starts. Where several start at once, this is run before them, once.
"""

import logging

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_api.settings import ApiSettings


def main() -> None:
    """Runs the migrations that the database has not had."""
    settings = ApiSettings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    database = Database(settings.database_url)
    try:
        migrate(database)
    finally:
        database.close()


if __name__ == "__main__":
    main()
