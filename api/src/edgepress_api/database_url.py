"""Validation of the URL of the database, before a service starts with it."""

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS = {"sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"}
_ACCEPTED = "sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
_SQLITE = b"SQLite format 3\0"  # the beginning of a file; a new one is empty


def verified_url(url: str) -> str:
    """Return a URL that SQLAlchemy can use, and whose file, if it has one, is a database or does not exist yet.

    Raises:
        ValueError: It is not such a URL. The message does not repeat it, because it may contain a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # a ValueError: the port is not a number
        raise ValueError(f"is not the URL of a database; accepted: {_ACCEPTED}") from error
    if parsed.drivername not in _DRIVERS:
        raise ValueError(f"names the database {parsed.drivername!r}; accepted: {_ACCEPTED}")
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        _verify_file(Path(parsed.database))
    return url


def _verify_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            begin = file.read(len(_SQLITE))
    except FileNotFoundError:
        return
    except OSError as error:
        raise ValueError(f"names {path}, which can't be read ({error.strerror}); accepted: {_ACCEPTED}") from error
    if begin not in {b"", _SQLITE}:
        raise ValueError(f"names {path}, which is not a database of SQLite; accepted: {_ACCEPTED}")
