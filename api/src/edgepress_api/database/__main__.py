"""``edgepress-migrate``: migrates the database to the schema of this version and exits.

The gateway does the same when it starts. If several gateways start at once, run this once before them. With
``EDGEPRESS_SERVICE_DATABASE_URL`` it also creates the user that they connect as.
"""

import logging

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_api.database.service_user import create_service_user
from edgepress_api.settings import ApiSettings


def main() -> None:
    """Run the migrations that the database does not have yet."""
    settings = ApiSettings.read_or_exit()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    database = Database(settings.database_url)
    try:
        migrate(database)
        if settings.service_database_url is not None:
            create_service_user(database.engine, settings.service_database_url.get_secret_value())
    finally:
        database.close()


if __name__ == "__main__":
    main()
