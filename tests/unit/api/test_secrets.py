"""The passwords of a deployment: made once, kept, never a default."""

import hashlib
import socket
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy.engine import make_url

from edgepress_api.secrets import generation
from edgepress_common.errors import InvalidInputError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for the secrets."""
    monkeypatch.setenv("EDGEPRESS_SECRETS_FOLDER", str(tmp_path))
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_each_reader_finds_what_it_needs_and_no_more(folder: Path) -> None:
    """A worker has no database URL, and Redis has only digests, except for the user of health checks."""
    generation.main()
    assert set(contents(folder)) == {
        "redis/redis.conf", "redis/gateway_password", "postgres/postgres_password",
        "gateway/edgepress_redis_url", "gateway/edgepress_database_url",
        "scheduler/edgepress_redis_url", "scheduler/edgepress_database_url", "worker/edgepress_redis_url",
        "migrate/edgepress_database_url", "migrate/edgepress_service_database_url", "gateway/edgepress_webhook_key",
        "scheduler/edgepress_webhook_key",
    }  # fmt: skip


def test_a_password_is_the_same_for_server_and_client(folder: Path) -> None:
    """The addresses that our programs use have what the servers ask for, each process its own user."""
    generation.main()
    found = contents(folder)
    for user in ("gateway", "scheduler", "worker"):
        url = urlsplit(found[f"{user}/edgepress_redis_url"])
        assert url.username == user
        digest = hashlib.sha256(str(url.password).encode()).hexdigest()
        assert f"user {user} on #{digest} " in found["redis/redis.conf"]
    assert found["redis/gateway_password"] == urlsplit(found["gateway/edgepress_redis_url"]).password
    superuser = make_url(found["migrate/edgepress_database_url"])
    assert (superuser.username, superuser.password) == ("edgepress", found["postgres/postgres_password"])
    service = found["migrate/edgepress_service_database_url"]
    assert found["gateway/edgepress_database_url"] == found["scheduler/edgepress_database_url"] == service
    assert make_url(service).password != superuser.password


def test_what_was_made_is_kept(folder: Path) -> None:
    """A second start changes nothing."""
    generation.main()
    before = contents(folder)
    generation.main()
    assert contents(folder) == before


def test_rules_are_written_again_and_passwords_kept(folder: Path) -> None:
    """An upgrade gives Redis the rules of the new version, for example a command that the old one did not need."""
    generation.main()
    of_this_version = contents(folder)
    conf = folder / "redis" / "redis.conf"
    conf.chmod(0o600)
    conf.write_text(of_this_version["redis/redis.conf"].replace(" +@write", "").replace("~edgepress", "~other"))
    assert contents(folder) != of_this_version
    generation.main()
    assert contents(folder) == of_this_version


def test_the_services_of_an_earlier_release_stop_being_superusers(folder: Path) -> None:
    """Gateway and scheduler had the superuser's address; the password of the data stays."""
    for user in ("gateway", "scheduler"):
        (folder / user).mkdir()
        (folder / user / "edgepress_database_url").write_text(
            "postgresql+psycopg://edgepress:old@postgres:5432/edgepress"
        )
    (folder / "postgres").mkdir()
    (folder / "postgres" / "postgres_password").write_text("old")
    generation.main()
    found = contents(folder)
    assert make_url(found["gateway/edgepress_database_url"]).username == "edgepress_service"
    assert make_url(found["migrate/edgepress_database_url"]).password == found["postgres/postgres_password"] == "old"


def test_without_the_rules_all_passwords_of_redis_are_new(folder: Path) -> None:
    """After a first start that was killed before its last file, or to replace them: each is known to its server."""
    generation.main()
    before = contents(folder)
    (folder / "redis" / "redis.conf").unlink()
    generation.main()
    assert contents(folder)["worker/edgepress_redis_url"] != before["worker/edgepress_redis_url"]
    assert contents(folder)["gateway/edgepress_database_url"] == before["gateway/edgepress_database_url"]
    test_a_password_is_the_same_for_server_and_client(folder)


def test_two_deployments_have_different_passwords(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is a default, and no two are alike."""
    generation.main()
    monkeypatch.setenv("EDGEPRESS_SECRETS_FOLDER", str(folder / "other"))
    generation.main()
    passwords = [urlsplit(path.read_text()).password for path in folder.rglob("edgepress_redis_url")]
    passwords += [path.read_text() for path in folder.rglob("postgres_password")]
    assert len(set(passwords)) == len(passwords) == 8


def test_a_given_password_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Characters that need escaping in an address are accepted too."""
    monkeypatch.setenv("EDGEPRESS_POSTGRES_PASSWORD", "100% mine")
    generation.main()
    assert make_url(contents(folder)["migrate/edgepress_database_url"]).password == "100% mine"


@pytest.mark.parametrize(("address", "host"), [("localhost:6380", "localhost"), ("127.0.0.1:16380", "127.0.0.1")])
def test_a_worker_elsewhere_can_verify_redis(
    folder: Path, monkeypatch: pytest.MonkeyPatch, address: str, host: str
) -> None:
    """Its folder has the address with its password, and the certificate that Redis shows; the key stays with Redis."""
    monkeypatch.setenv("EDGEPRESS_REDIS_PUBLIC_ADDRESS", address)
    generation.main()
    found = contents(folder)
    password = urlsplit(found["worker/edgepress_redis_url"]).password
    expected = f"rediss://worker:{password}@{address}/0?ssl_ca_certs=/run/secrets/worker/redis.pem"
    assert found["worker-elsewhere/edgepress_redis_url"] == expected
    assert {name for name, text in found.items() if "PRIVATE KEY" in text} == {"redis/tls.key"}
    assert "tls-port 6380\n" in found["redis/redis.conf"]
    assert _handshake(folder, host) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(folder, "another.example")
    generation.main()
    assert contents(folder) == found


def _handshake(folder: Path, host: str) -> str | None:
    """The version of TLS, if a worker trusts a server with Redis's certificate to be the host."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "redis" / "tls.pem", folder / "redis" / "tls.key")
    client = ssl.create_default_context(cafile=folder / "worker-elsewhere" / "redis.pem")
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as connection:
                connection.recv(1)
        except ssl.SSLError:
            theirs.close()

    threading.Thread(target=serve, daemon=True).start()
    with client.wrap_socket(ours, server_hostname=host) as connection:
        return connection.version()


def test_another_address_gets_another_certificate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are kept. Without an address, Redis speaks no TLS."""
    monkeypatch.setenv("EDGEPRESS_REDIS_PUBLIC_ADDRESS", "one.example:6380")
    generation.main()
    before = contents(folder)
    monkeypatch.setenv("EDGEPRESS_REDIS_PUBLIC_ADDRESS", "two.example:6380")
    generation.main()
    after = contents(folder)
    assert after["worker-elsewhere/redis.pem"] != before["worker-elsewhere/redis.pem"]
    assert after["worker/edgepress_redis_url"] == before["worker/edgepress_redis_url"]
    monkeypatch.delenv("EDGEPRESS_REDIS_PUBLIC_ADDRESS")
    generation.main()
    assert "tls-port" not in contents(folder)["redis/redis.conf"]


@pytest.mark.parametrize("address", ["edgepress.example", "host:0", "host:x", ":6380", "user@host:6380"])
def test_an_address_that_workers_could_not_use_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an example."""
    monkeypatch.setenv("EDGEPRESS_REDIS_PUBLIC_ADDRESS", address)
    with pytest.raises(InvalidInputError, match="host:port"):
        generation.SecretsSettings.read()
