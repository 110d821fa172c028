"""The passwords of a deployment: made once, kept, never a default."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from sqlalchemy.engine import make_url

from edgepress_api import first_secrets


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the secrets go."""
    monkeypatch.setenv("EDGEPRESS_SECRETS_FOLDER", str(tmp_path))
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}


def password_in(url: str) -> str:
    return unquote(urlsplit(url).password or "")


def test_a_password_is_the_same_for_server_and_client(folder: Path) -> None:
    """The address that our programs use has what the server asks for."""
    first_secrets.main()
    found = contents(folder)
    assert found["redis.conf"] == f'requirepass "{password_in(found["edgepress_redis_url"])}"\n'
    assert make_url(found["edgepress_database_url"]).password == found["postgres_password"]


def test_what_was_made_is_kept(folder: Path) -> None:
    """A second start changes nothing."""
    first_secrets.main()
    before = contents(folder)
    first_secrets.main()
    assert contents(folder) == before


def test_two_deployments_have_different_passwords(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is a default, and Redis and PostgreSQL have one each."""
    first_secrets.main()
    monkeypatch.setenv("EDGEPRESS_SECRETS_FOLDER", str(folder / "other"))
    first_secrets.main()
    passwords = [path.read_text() for path in folder.rglob("*") if path.name in {"redis.conf", "postgres_password"}]
    assert len(set(passwords)) == len(passwords) == 4


def test_a_given_password_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one with characters that an address can't have as they are."""
    monkeypatch.setenv("EDGEPRESS_REDIS_PASSWORD", "p@ss/word")
    monkeypatch.setenv("EDGEPRESS_POSTGRES_PASSWORD", "100% mine")
    first_secrets.main()
    found = contents(folder)
    assert password_in(found["edgepress_redis_url"]) == "p@ss/word"
    assert make_url(found["edgepress_database_url"]).password == "100% mine"


def test_a_password_that_redis_could_not_read_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is written."""
    monkeypatch.setenv("EDGEPRESS_REDIS_PASSWORD", 'with "quotes"')
    with pytest.raises(SystemExit, match="accepted: any other character"):
        first_secrets.main()
    assert contents(folder) == {}
