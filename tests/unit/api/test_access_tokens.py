"""Creation, recognition and end of tokens."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from edgepress_api.access.credentials import new_credential, read_credential
from edgepress_api.access.principal import Principal
from edgepress_api.access.tokens import create_token, list_tokens, recognize, revoke_token
from edgepress_api.database import Database
from edgepress_common.answers.users import Scope
from edgepress_common.errors import ConflictError, InvalidSpecError, NotFoundError


def made(database: Database, now: datetime, *scopes: Scope, device: str | None = None, days: int | None = None) -> str:
    """Create a token of anna."""
    expires_at = None if days is None else now + timedelta(days=days)
    with database.write() as session:
        return create_token(session, now, user="anna", scopes=scopes, device=device, expires_at=expires_at).text


def who(database: Database, text: str, now: datetime) -> Principal | None:
    """Return the user or device that a token authenticates."""
    with database.read() as session:
        return recognize(session, text, now)


def test_a_token_stands_for_its_user(database: Database, now: datetime) -> None:
    """It has the scopes that it was created with, and the device."""
    assert who(database, made(database, now, "read", "submit"), now) == Principal(
        user="anna", scopes=frozenset({"read", "submit"})
    )
    device = who(database, made(database, now, "device", device="pi4"), now)
    assert device == Principal(user="anna", scopes=frozenset({"device"}), device="pi4")


def test_nothing_that_is_stored_is_worth_anything(database: Database, now: datetime) -> None:
    """Neither the token nor its secret part is in the database, and its digest is not a valid token."""
    token = made(database, now, "admin")
    with database.read() as session:
        (row,) = session.execute(sa.text("SELECT * FROM tokens")).all()
    assert token.rpartition("_")[2] not in str(row)
    for value in map(str, row):
        assert who(database, value, now) is None
        assert who(database, f"edgepress_{row[0]}_{value}", now) is None


@pytest.mark.parametrize("change", ["", "x", "upper", "other secret", "other id"])
def test_a_changed_token_is_not_valid(database: Database, now: datetime, change: str) -> None:
    """Another secret with an id that exists, an id that does not, another form."""
    token = made(database, now, "admin")
    other = new_credential().text
    wrong = {
        "": "",
        "x": f"{token}x",
        "upper": token.upper(),
        "other secret": token[:23] + other[23:],
        "other id": other[:23] + token[23:],
    }[change]
    assert wrong != token
    assert who(database, wrong, now) is None


def test_a_revoked_token_is_not_valid_and_stays_listed(database: Database, now: datetime) -> None:
    """Other tokens of the same user stay valid."""
    token, other = made(database, now, "read"), made(database, now, "read")
    credential = read_credential(token)
    assert credential is not None
    with database.write() as session:
        revoke_token(session, credential.id, now)
    assert who(database, token, now) is None
    assert who(database, other, now) is not None
    with database.read() as session:
        assert {view.id: view.is_live(now) for view in list_tokens(session)}[credential.id] is False
    with pytest.raises(ConflictError, match="was revoked"), database.write() as session:
        revoke_token(session, credential.id, now)
    with pytest.raises(NotFoundError, match="token 'x' does not exist"), database.write() as session:
        revoke_token(session, "x", now)


def test_a_token_expires_at_its_end(database: Database, now: datetime) -> None:
    """It is valid until that time, not after it."""
    token = made(database, now, "read", days=1)
    assert who(database, token, now + timedelta(hours=23)) is not None
    assert who(database, token, now + timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("user", "scopes", "device", "field"),
    [
        ("Anna", ("read",), None, "user"),
        ("a" * 64, ("read",), None, "user"),
        ("anna", (), None, "scope"),
        ("anna", ("device",), None, "device"),
        ("anna", ("read",), "pi4", "device"),
        ("anna", ("device",), "any", "device"),
        ("anna", ("device",), "Pi 4", "device"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(
    database: Database, now: datetime, user: str, scopes: tuple[Scope, ...], device: str | None, field: str
) -> None:
    """The error names the argument."""
    with pytest.raises(InvalidSpecError) as caught, database.write() as session:
        create_token(session, now, user=user, scopes=scopes, device=device)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_a_credential_does_not_show_itself() -> None:
    """The text of a credential is its id, so that logs have no secrets."""
    credential = new_credential()
    assert credential.text.rpartition("_")[2] not in f"{credential} {credential!r} {[credential]}"
