"""`edgepress tokens`, on a database of its own."""

import io
import json
import re
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgepress_api.access.principal import Principal
from edgepress_api.access.tokens import recognize
from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_client.cli import app
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import open_console


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database without a token."""
    found = f"sqlite:///{tmp_path}/edgepress.db"
    database = Database(found)
    migrate(database)
    database.close()
    return found


def run(url: str, arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    invocation = Invocation(open_console(out), open_console(err))
    result = CliRunner(env={"EDGEPRESS_DATABASE_URL": url}).invoke(
        app, ["tokens", *arguments], obj=invocation, catch_exceptions=False
    )
    return result.exit_code, out.getvalue(), err.getvalue() + result.output


def who(url: str, token: str) -> Principal | None:
    """Return the user or device that a token authenticates."""
    database = Database(url)
    try:
        with database.read() as session:
            return recognize(session, token.strip(), datetime.now(UTC))
    finally:
        database.close()


def test_a_token_is_shown_once_alone_on_standard_output(url: str) -> None:
    """A script can store it; without scopes it is for a user who posts and reads."""
    code, token, said = run(url, ["create", "--user", "anna"])
    assert (code, token.count("\n")) == (0, 1)
    assert who(url, token) == Principal(user="anna", scopes=frozenset({"submit", "read"}))
    assert token.strip() not in said
    code, listed, _ = run(url, ["list"])
    assert (code, "anna" in listed, token.strip()[-64:] in listed) == (0, True, False)


def test_a_devices_token_is_made_by_its_name(url: str) -> None:
    """The token has no other permission."""
    _, token, _ = run(url, ["create", "--user", "lab", "--device", "pi4"])
    assert who(url, token) == Principal(user="lab", scopes=frozenset({"device"}), device="pi4")


def test_a_token_is_revoked_by_its_id(url: str) -> None:
    """Revoking by the id in the list succeeds; a second time is a conflict."""
    _, token, _ = run(url, ["create", "--user", "anna", "--days", "3"])
    match = re.search(r"^([0-9a-f]{12}) .* until ", run(url, ["list"])[1], re.MULTILINE)
    assert match is not None
    assert run(url, ["revoke", match[1]])[0] == 0
    assert who(url, token) is None
    assert "no: revoked" in run(url, ["list"])[1]
    assert run(url, ["revoke", match[1]])[0] == 6


def test_a_deployment_makes_its_first_token_once(url: str, tmp_path: Path) -> None:
    """A second start keeps the token unless it is no longer valid; the file is read-only."""
    file = tmp_path / "secrets" / "edgepress_token"
    create = ["create", "--user", "operator", "--scope", "admin", "--once", str(file)]
    assert run(url, create)[:2] == (0, "")
    first = file.read_text()
    assert who(url, first) == Principal(user="operator", scopes=frozenset({"admin"}))
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert "has a valid token: kept" in run(url, create)[2]
    assert file.read_text() == first
    run(url, ["revoke", first.split("_")[1]])
    run(url, create)
    assert who(url, file.read_text()) is not None


def test_a_token_that_can_not_be_written_is_not_made(url: str, tmp_path: Path) -> None:
    """Otherwise a token would exist that no user knows."""
    (tmp_path / "file").touch()
    code, _, said = run(url, ["create", "--user", "x", "--once", str(tmp_path / "file" / "token")])
    assert (code, "can't" in said) == (2, True)
    assert "no tokens yet" in run(url, ["list"])[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create", "--user", "anna", "--scope", "write"], "unknown scope; got 'write'; accepted: submit, read"),
        (["create", "--user", "Anna B"], "is not a user's name"),
        (["create", "--user", "lab", "--scope", "device"], "one device"),
    ],
)
def test_wrong_use_is_explained(url: str, arguments: list[str], words: str) -> None:
    """The error contains the value, and what is accepted."""
    code, _, said = run(url, arguments)
    assert (code, words in " ".join(said.split())) == (2, True)


def test_a_token_that_does_not_exist_is_told_from_wrong_use(url: str) -> None:
    """The exit codes of the two differ."""
    code, _, said = run(url, ["revoke", "x"])
    assert (code, "token 'x' does not exist" in said) == (4, True)


@pytest.mark.parametrize("arguments", [["create", "--user", "anna"], ["list"], ["revoke", "x"]])
def test_a_database_is_never_created(tmp_path: Path, arguments: list[str]) -> None:
    """A token in a new database would be unknown to every gateway; the message names the database."""
    file = tmp_path / "nowhere" / "edgepress.db"
    code, out, said = run(f"sqlite:///{file}", arguments)
    assert (code, out) == (4, "")
    assert f"sqlite:///{file} does not exist" in said
    assert "EDGEPRESS_DATABASE_URL" in said
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """Only the gateway and `edgepress-migrate` change its schema."""
    file = tmp_path / "edgepress.db"
    file.touch()
    code, _, said = run(f"sqlite:///{file}", ["create", "--user", "anna"])
    assert (code, "run 'edgepress-migrate'" in said) == (6, True)


def test_the_database_is_named(url: str) -> None:
    """It shows a token of the wrong database; as JSON it is part of the answer."""
    assert f"database: {url}" in run(url, ["create", "--user", "anna"])[2]
    _, out, said = run(url, ["create", "--user", "anna", "--json"])
    made = json.loads(out)
    assert (made["database"], made["scopes"], said) == (url, ["read", "submit"], "")
    assert who(url, made["token"]) is not None


def test_a_database_that_is_unavailable_is_told_from_wrong_use() -> None:
    """The exit code differs, there is no traceback, and the password is not shown."""
    code, _, said = run("postgresql+psycopg://edgepress:secret@127.0.0.1:1/edgepress", ["list"])
    assert (code, "does not answer" in said, "secret" in said, "Traceback" in said) == (3, True, False, False)
