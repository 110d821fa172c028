"""The passwords of a deployment: made once, kept, never a default."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy.engine import make_url

from edgepress_api import first_secrets


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the secrets go."""
    monkeypatch.setenv("EDGEPRESS_SECRETS_FOLDER", str(tmp_path))
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_each_reader_finds_what_it_needs_and_no_more(folder: Path) -> None:
    """A worker has no database, and Redis is told digests alone, but for the user that can do nothing but ask."""
    first_secrets.main()
    assert set(contents(folder)) == {
        "redis/redis.conf", "redis/gateway_password", "postgres/postgres_password",
        "gateway/edgepress_redis_url", "gateway/edgepress_database_url",
        "scheduler/edgepress_redis_url", "scheduler/edgepress_database_url", "worker/edgepress_redis_url",
    }  # fmt: skip


def test_a_password_is_the_same_for_server_and_client(folder: Path) -> None:
    """The addresses that our programs use have what the servers ask for, each process its own user."""
    first_secrets.main()
    found = contents(folder)
    for user in ("gateway", "scheduler", "worker"):
        url = urlsplit(found[f"{user}/edgepress_redis_url"])
        assert url.username == user
        digest = hashlib.sha256(str(url.password).encode()).hexdigest()
        assert f"user {user} on #{digest} " in found["redis/redis.conf"]
    assert found["redis/gateway_password"] == urlsplit(found["gateway/edgepress_redis_url"]).password
    assert make_url(found["gateway/edgepress_database_url"]).password == found["postgres/postgres_password"]
    assert found["gateway/edgepress_database_url"] == found["scheduler/edgepress_database_url"]


def test_what_was_made_is_kept(folder: Path) -> None:
    """A second start changes nothing."""
    first_secrets.main()
    before = contents(folder)
    first_secrets.main()
    assert contents(folder) == before


def test_what_was_begun_is_made_whole(folder: Path) -> None:
    """A first start that was killed before its last file left nobody with a password that no server knows."""
    first_secrets.main()
    (folder / "redis" / "redis.conf").unlink()
    first_secrets.main()
    test_a_password_is_the_same_for_server_and_client(folder)


def test_two_deployments_have_different_passwords(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is a default, and no two are alike."""
    first_secrets.main()
    monkeypatch.setenv("EDGEPRESS_SECRETS_FOLDER", str(folder / "other"))
    first_secrets.main()
    passwords = [urlsplit(path.read_text()).password for path in folder.rglob("edgepress_redis_url")]
    passwords += [path.read_text() for path in folder.rglob("postgres_password")]
    assert len(set(passwords)) == len(passwords) == 8


def test_a_given_password_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one with characters that an address can't have as they are."""
    monkeypatch.setenv("EDGEPRESS_POSTGRES_PASSWORD", "100% mine")
    first_secrets.main()
    assert make_url(contents(folder)["scheduler/edgepress_database_url"]).password == "100% mine"
