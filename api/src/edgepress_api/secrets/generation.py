"""``edgepress-secrets``: creates the passwords of a deployment's Redis and PostgreSQL, once.

Passwords are random, so there are no default passwords. Each service has its own folder with only what it needs, as
settings (`edgepress_common.settings`) or in the format of the server:

- ``redis/``: ``redis.conf`` with the users' digests, and ``gateway_password`` for the health check;
- ``postgres/``: ``postgres_password`` of the superuser;
- ``migrate/``: ``edgepress_database_url`` of the superuser, who creates tables and the services' user, and
  ``edgepress_service_database_url``, the address with that user;
- ``gateway/``, ``scheduler/``: ``edgepress_redis_url`` as a user of its own, ``edgepress_database_url`` as the
  services' user, and ``edgepress_webhook_key``, which encrypts secrets in the database;
- ``worker/``: ``edgepress_redis_url``;
- ``worker-elsewhere/``, if ``EDGEPRESS_REDIS_PUBLIC_ADDRESS`` is set: what a worker on another host needs to reach
  Redis over TLS, ``edgepress_redis_url`` and the certificate ``redis.pem``. Its key is in ``redis/``
  (`edgepress_api.secrets.redis_tls`).

Existing passwords are kept, because those of existing data must not change. Everything else is written at each start,
so that the rules of Redis's users are those of this version. ``EDGEPRESS_POSTGRES_PASSWORD`` in the environment sets
the superuser's password instead of a new one.
"""

import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr

from edgepress_api.access.broker_users import BROKER_USERS, BrokerUser, broker_configuration
from edgepress_api.database.service_user import SERVICE_USER
from edgepress_api.secrets.redis_tls import TLS_CONFIGURATION, RedisAddress, create_certificate, is_valid_for
from edgepress_common.settings import BaseEdgepressSettings

_BYTES = 32  # 256 bits
_READ_BY_ALL = 0o444  # readable by all that have the folder: the servers run as different users
_OWNERS = 0o600

_WITH_DATABASE: tuple[BrokerUser, ...] = ("gateway", "scheduler")


class SecretsSettings(BaseEdgepressSettings):
    """Folder of the secrets, and addresses of the servers."""

    secrets_folder: Path = Field(default=Path("/run/secrets"), description="Parent folder of the services' folders.")
    redis_address: str = Field(default="redis:6379", description="Host and port.")
    redis_public_address: RedisAddress | None = Field(
        default=None,
        description="Host and port by which workers elsewhere reach Redis over TLS; creates a certificate for it.",
    )
    postgres_address: str = Field(default="postgres:5432", description="Host and port.")
    postgres_password: SecretStr = Field(
        default=SecretStr(""), description="Password of PostgreSQL; if empty, a new one is created."
    )


def main() -> None:
    """Create the missing passwords, and write all files."""
    settings = SecretsSettings.read_or_exit()
    _make_broker_users(settings)
    _make_webhook_key(settings)
    _make_database_users(settings)


def _make_broker_users(settings: SecretsSettings) -> None:
    urls = {user: settings.secrets_folder / user / "edgepress_redis_url" for user in BROKER_USERS}
    conf = settings.secrets_folder / "redis" / "redis.conf"  # without it, all passwords are new
    kept = {user: _password_in(urls[user]) if conf.exists() else None for user in BROKER_USERS}
    passwords = {user: kept[user] or secrets.token_urlsafe(_BYTES) for user in BROKER_USERS}
    for user in BROKER_USERS:
        _write(urls[user], f"redis://{user}:{passwords[user]}@{settings.redis_address}/0")
    _write(settings.secrets_folder / "redis" / "gateway_password", passwords["gateway"])
    _write(conf, broker_configuration(passwords) + ("" if settings.redis_public_address is None else TLS_CONFIGURATION))
    if settings.redis_public_address is not None:
        _make_redis_certificate(settings.secrets_folder, settings.redis_public_address, passwords["worker"])


def _make_redis_certificate(folder: Path, address: RedisAddress, password: str) -> None:
    """Create a certificate for the host, unless there is one, and write what a worker elsewhere needs."""
    certificate, key = folder / "redis" / "tls.pem", folder / "redis" / "tls.key"
    kept, kept_key = _text_of(certificate), _text_of(key)
    if kept is None or kept_key is None or not is_valid_for(kept, address.host):
        kept, kept_key = create_certificate(address.host)
    _write(certificate, kept)
    _write(key, kept_key)
    _write(folder / "worker-elsewhere" / "redis.pem", kept)
    _write(
        folder / "worker-elsewhere" / "edgepress_redis_url",
        f"rediss://worker:{password}@{address}/0?ssl_ca_certs=/run/secrets/worker/redis.pem",
    )


def _make_database_users(settings: SecretsSettings) -> None:
    superuser, service = settings.secrets_folder / "postgres" / "postgres_password", "edgepress_service_database_url"
    password = _text_of(superuser) or settings.postgres_password.get_secret_value() or secrets.token_urlsafe(_BYTES)
    own = _password_in(settings.secrets_folder / "migrate" / service) or secrets.token_urlsafe(_BYTES)
    _write(superuser, password)
    url = f"postgresql+psycopg://{{}}:{{}}@{settings.postgres_address}/edgepress"
    _write(settings.secrets_folder / "migrate" / "edgepress_database_url", url.format("edgepress", quote(password, "")))
    for folder, name in [("migrate", service), *((user, "edgepress_database_url") for user in _WITH_DATABASE)]:
        _write(settings.secrets_folder / folder / name, url.format(SERVICE_USER, own))


def _make_webhook_key(settings: SecretsSettings) -> None:
    files = [settings.secrets_folder / user / "edgepress_webhook_key" for user in _WITH_DATABASE]
    key = _text_of(files[0]) or secrets.token_urlsafe(_BYTES)
    for file in files:
        _write(file, key)


def _text_of(file: Path) -> str | None:
    """Return what an earlier start has written; None if the file is missing."""
    return file.read_text() if file.exists() else None


def _password_in(file: Path) -> str | None:
    """Return the password of an address that an earlier start has written; None if the file is missing."""
    return urlsplit(_text_of(file) or "").password


def _write(path: Path, text: str) -> None:
    """Write a file atomically, unless it has this content."""
    kept = _text_of(path) == text
    print(f"{path}: {'kept' if kept else 'written'}")  # noqa: T201 - output of a command
    if kept:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_suffix(".incoming")
    incoming.unlink(missing_ok=True)
    incoming.touch(mode=_OWNERS)
    incoming.write_text(text)
    incoming.chmod(_READ_BY_ALL)
    incoming.replace(path)
