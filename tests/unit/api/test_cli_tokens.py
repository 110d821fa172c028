"""`edgepress tokens`, on a database of its own."""

import io
import re
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgepress_api.access.principal import Principal
from edgepress_api.access.tokens import recognize
from edgepress_api.cli import app
from edgepress_api.cli.invocation import Invocation, open_console
from edgepress_api.database import Database


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database that is not there yet."""
    return f"sqlite:///{tmp_path}/edgepress.db"


def run(url: str, arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    invocation = Invocation(open_console(out), open_console(err))
    result = CliRunner(env={"EDGEPRESS_DATABASE_URL": url}).invoke(
        app, ["tokens", *arguments], obj=invocation, catch_exceptions=False
    )
    return result.exit_code, out.getvalue(), err.getvalue() + result.output


def who(url: str, token: str) -> Principal | None:
    """Whom a token stands for."""
    database = Database(url)
    try:
        with database.read() as session:
            return recognize(session, token.strip(), datetime.now(UTC))
    finally:
        database.close()


def test_a_token_is_shown_once_alone_on_standard_output(url: str) -> None:
    """So that it can be kept by a script; without scopes it is a user's who posts and reads."""
    code, token, said = run(url, ["create", "--user", "anna"])
    assert (code, token.count("\n")) == (0, 1)
    assert who(url, token) == Principal(user="anna", scopes=frozenset({"submit", "read"}))
    assert token.strip() not in said
    code, listed, _ = run(url, ["list"])
    assert (code, "anna" in listed, token.strip()[-64:] in listed) == (0, True, False)


def test_a_devices_token_is_made_by_its_name(url: str) -> None:
    """And allows nothing else."""
    _, token, _ = run(url, ["create", "--user", "lab", "--device", "pi4"])
    assert who(url, token) == Principal(user="lab", scopes=frozenset({"device"}), device="pi4")


def test_a_token_is_revoked_by_its_id(url: str) -> None:
    """As the list shows it; twice is wrong use."""
    _, token, _ = run(url, ["create", "--user", "anna", "--days", "3"])
    match = re.search(r"^([0-9a-f]{12}) .* until ", run(url, ["list"])[1], re.MULTILINE)
    assert match is not None
    assert run(url, ["revoke", match[1]])[0] == 0
    assert who(url, token) is None
    assert "no: revoked" in run(url, ["list"])[1]
    assert run(url, ["revoke", match[1]])[0] == 2


def test_a_deployment_makes_its_first_token_once(url: str, tmp_path: Path) -> None:
    """Started again it keeps it, unless that is worth nothing any more; nobody can write the file."""
    file = tmp_path / "secrets" / "edgepress_token"
    create = ["create", "--user", "operator", "--scope", "admin", "--once", str(file)]
    assert run(url, create)[:2] == (0, "")
    first = file.read_text()
    assert who(url, first) == Principal(user="operator", scopes=frozenset({"admin"}))
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert "kept" in run(url, create)[2]
    assert file.read_text() == first
    run(url, ["revoke", first.split("_")[1]])
    run(url, create)
    assert who(url, file.read_text()) is not None


def test_a_token_that_can_not_be_written_is_not_made(url: str, tmp_path: Path) -> None:
    """Or there would be one that nobody knows."""
    (tmp_path / "file").touch()
    code, _, said = run(url, ["create", "--user", "x", "--once", str(tmp_path / "file" / "token")])
    assert (code, "can't" in said) == (2, True)
    assert "no tokens yet" in run(url, ["list"])[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create", "--user", "anna", "--scope", "write"], "no such scope; got 'write'; accepted: submit, read"),
        (["create", "--user", "Anna B"], "is no user's name"),
        (["create", "--user", "lab", "--scope", "device"], "one device"),
        (["revoke", "x"], "no token 'x'"),
    ],
)
def test_wrong_use_is_explained(url: str, arguments: list[str], words: str) -> None:
    """With the value, and what is accepted."""
    code, _, said = run(url, arguments)
    assert (code, words in " ".join(said.split())) == (2, True)


def test_a_database_that_is_away_is_told_from_wrong_use() -> None:
    """By the exit code, and without a trace; its password is not shown."""
    code, _, said = run("postgresql+psycopg://edgepress:secret@127.0.0.1:1/edgepress", ["list"])
    assert (code, "does not answer" in said, "secret" in said, "Traceback" in said) == (3, True, False, False)
