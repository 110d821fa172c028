"""Tokens in the database of the gateway, which has to exist with the schema of this version."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from edgepress_api.access.credentials import Credential
from edgepress_api.access.tokens import create_token, list_tokens, recognize, revoke_token
from edgepress_api.database import Database
from edgepress_api.database.migrate import is_current
from edgepress_api.settings import ApiSettings
from edgepress_common.answers.tokens import TokenView
from edgepress_common.answers.users import SCOPES, Scope
from edgepress_common.errors import (
    ConflictError,
    FieldProblem,
    InvalidInputError,
    InvalidSpecError,
    NotFoundError,
    UnavailableError,
)

_READ_BY_ALL = 0o444  # readable by all that have the folder: containers run as different users
_OWNERS = 0o600


@contextmanager
def opened() -> Iterator[tuple[Database, str]]:
    """Open the gateway's database, and return it with its URL without the password.

    Raises:
        NotFoundError: There is no such database.
        ConflictError: It has no tables, or those of another version.
        UnavailableError: Its server does not answer.
    """
    url = make_url(ApiSettings.read().database_url)
    name = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise NotFoundError(
            f"{name} does not exist: EDGEPRESS_DATABASE_URL has to name the database of the gateway, which creates it "
            "at its first start; that of 'edgepress up' is the file edgepress.db in its folder"
        )
    database = Database(ApiSettings.read().database_url)
    try:
        if not is_current(database):
            raise ConflictError(
                f"{name} does not have the tables of this version; start the gateway, or run 'edgepress-migrate'"
            )
        yield database, name
    except OperationalError as error:
        raise UnavailableError(f"the database {name} does not answer: {error.orig}") from error
    finally:
        database.close()


def create(  # noqa: D417 - the others are those of `create_token`
    database: Database,
    file: Path | None,
    *,
    user: str,
    scopes: Collection[Scope],
    device: str | None,
    days: int | None,
    max_jobs: int | None,
    max_bytes: int | None,
) -> Credential:
    """Create a token. If a file is given, the token is created only if it could be written there.

    Args:
        database: That of the gateway.
        file: Receives the token; None for nowhere.
        days: After which it expires; None for never.
    """
    now = datetime.now(UTC)
    with database.write() as session:
        expires_at = None if days is None else now + timedelta(days=days)
        made = create_token(
            session, now, user=user, scopes=scopes, device=device, expires_at=expires_at, max_jobs=max_jobs,
            max_bytes=max_bytes,
        )  # fmt: skip
        if file is not None:
            _write(file, made)  # before the commit
    return made


def all_of(database: Database) -> list[TokenView]:
    """Return all tokens, the newest first."""
    with database.read() as session:
        return list_tokens(session)


def revoke(database: Database, token_id: str) -> TokenView:
    """Revoke a token. Errors are those of `revoke_token`."""
    with database.write() as session:
        return revoke_token(session, token_id, datetime.now(UTC))


def scopes_of(asked: Collection[str] | None, device: str | None) -> set[Scope]:
    """Return the scopes of a token: those that were asked for, or else a user's or a device's.

    Raises:
        InvalidSpecError: One of them is not known.
    """
    scopes = set(asked or (["submit", "read"] if device is None else ["device"]))
    unknown = sorted(scopes - set(SCOPES))
    if unknown:
        accepted = ", ".join(SCOPES)
        raise InvalidSpecError(
            [FieldProblem(field="scope", value=name, message="unknown scope", accepted=accepted) for name in unknown]
        )
    return cast("set[Scope]", scopes)


def has_valid_token(database: Database, file: Path) -> bool:
    """Return whether a file has a token that is valid in the database.

    Raises:
        InvalidInputError: The file can't be read.
    """
    try:
        text = file.read_text().strip()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"can't read {file}: {error}; accepted: a file with a token, or a new one") from error
    with database.read() as session:
        return recognize(session, text, datetime.now(UTC)) is not None


def _write(file: Path, token: Credential) -> None:
    """Write a token's file, whole or not at all."""
    incoming = file.with_name(f".{file.name}.incoming")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        incoming.unlink(missing_ok=True)
        incoming.touch(mode=_OWNERS)
        incoming.write_text(token.text)
        incoming.chmod(_READ_BY_ALL)
        incoming.replace(file)
    except OSError as error:
        raise InvalidInputError(
            f"can't write {file}: {error.strerror}; accepted: a file that can be created"
        ) from error
