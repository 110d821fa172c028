"""The user of PostgreSQL that gateway and scheduler connect as: it reads and writes rows, and owns and creates nothing.

A process that is taken over can then not run programs on the database's server, read its files, or change its tables.
Only ``edgepress-migrate`` connects as the superuser: it creates the user and sets its password and rights at each
migration.
"""

from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

SERVICE_USER = "edgepress_service"


def create_service_user(engine: Engine, url: str) -> None:
    """Create the user, or set its password and rights.

    Args:
        engine: Engine of the superuser.
        url: Address of the database with the user's name and password.
    """
    service = make_url(url)
    user, password = sql.Identifier(str(service.username)), sql.Literal(service.password)
    with engine.begin() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        cursor = driver.cursor()
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [service.username])
        verb = sql.SQL("CREATE ROLE {} WITH" if cursor.fetchone() is None else "ALTER ROLE {} WITH").format(user)
        cursor.execute(
            sql.SQL("{} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}").format(verb, password)
        )
        cursor.execute(
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(user)
        )
        cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(user))
