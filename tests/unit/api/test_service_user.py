"""The user of PostgreSQL that the services connect as."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from edgepress_api.access.tokens import create_token
from edgepress_api.database import Database
from edgepress_api.database.migrate import is_current, migrate
from edgepress_api.database.service_user import SERVICE_USER, create_service_user

pytestmark = pytest.mark.postgres


def test_services_write_rows_and_change_no_tables(postgres_url: str) -> None:
    """It can do what a service does on a migrated database; it owns nothing, and is not a superuser."""
    superuser = Database(postgres_url)
    with superuser.write() as session:
        session.execute(text("DROP SCHEMA public CASCADE"))
        session.execute(text("CREATE SCHEMA public"))
        session.execute(text("GRANT USAGE ON SCHEMA public TO PUBLIC"))
    migrate(superuser)
    for password in ("first", "it's another"):
        url = make_url(postgres_url).set(username=SERVICE_USER, password=password)
        create_service_user(superuser.engine, url.render_as_string(hide_password=False))
    service = Database(url.render_as_string(hide_password=False))
    migrate(service)
    assert is_current(service)
    with service.write() as session:
        create_token(session, datetime.now(UTC), user="anna", scopes={"read"})
        assert session.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")) is False
    for forbidden in ("DROP TABLE jobs", "CREATE TABLE mine (a int)", "COPY jobs TO PROGRAM 'cat'"):
        with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"), service.write() as session:
            session.execute(text(forbidden))
    service.close()
    with superuser.write() as session:
        session.execute(text(f"DROP OWNED BY {SERVICE_USER}"))
        session.execute(text(f"DROP ROLE {SERVICE_USER}"))
    superuser.close()
