"""``edgepress-secrets``: makes the passwords of a deployment's Redis and PostgreSQL, once.

Nobody has to think of one, and there is no default that everybody knows. Each reader has a folder of its own with what
it needs and nothing else, as settings (`edgepress_common.settings`) or as the server wants it:

- ``redis/``: ``redis.conf`` with the users' digests, and ``gateway_password``, to ask whether it answers;
- ``postgres/``: ``postgres_password``;
- ``gateway/``, ``scheduler/``: ``edgepress_redis_url`` as a user of its own, and ``edgepress_database_url``;
- ``worker/``: ``edgepress_redis_url``.

What is there already is kept: a password lasts as long as the data it guards. PostgreSQL's can be given in the
environment (``EDGEPRESS_POSTGRES_PASSWORD``) in place of a new one.
"""

import secrets
from pathlib import Path
from urllib.parse import quote

from pydantic import Field, SecretStr

from edgepress_api.access.broker_users import BROKER_USERS, BrokerUser, broker_configuration
from edgepress_common.settings import BaseEdgepressSettings

_BYTES = 32  # 256 bits
_READ_BY_ALL = 0o444  # by all who have the folder: the servers run as users of their own
_OWNERS = 0o600

_WITH_DATABASE: tuple[BrokerUser, ...] = ("gateway", "scheduler")


class SecretsSettings(BaseEdgepressSettings):
    """Where secrets go, and where the servers are that they are for."""

    secrets_folder: Path = Field(default=Path("/run/secrets"), description="Parent of the folders.")
    redis_address: str = Field(default="redis:6379", description="Host and port.")
    postgres_address: str = Field(default="postgres:5432", description="Host and port.")
    postgres_password: SecretStr = Field(default=SecretStr(""), description="Empty: a new one is made.")


def main() -> None:
    """Writes what is not there."""
    settings = SecretsSettings()
    if _is_missing(settings.secrets_folder / "redis" / "redis.conf"):
        _make_broker_users(settings)
    if _is_missing(settings.secrets_folder / "postgres" / "postgres_password"):
        _make_database_password(settings)


def _make_broker_users(settings: SecretsSettings) -> None:
    passwords = {user: secrets.token_urlsafe(_BYTES) for user in BROKER_USERS}
    for user in BROKER_USERS:
        url = f"redis://{user}:{passwords[user]}@{settings.redis_address}/0"
        _write(settings.secrets_folder / user / "edgepress_redis_url", url)
    _write(settings.secrets_folder / "redis" / "gateway_password", passwords["gateway"])
    _write(settings.secrets_folder / "redis" / "redis.conf", broker_configuration(passwords))


def _make_database_password(settings: SecretsSettings) -> None:
    password = settings.postgres_password.get_secret_value() or secrets.token_urlsafe(_BYTES)
    url = f"postgresql+psycopg://edgepress:{quote(password, safe='')}@{settings.postgres_address}/edgepress"
    for user in _WITH_DATABASE:
        _write(settings.secrets_folder / user / "edgepress_database_url", url)
    _write(settings.secrets_folder / "postgres" / "postgres_password", password)


def _is_missing(path: Path) -> bool:
    """Whether the file is missing that is written last, and is there only when all of its kind is."""
    missing = not path.exists()
    print(f"{path}: {'made' if missing else 'kept'}")  # noqa: T201 - for whoever starts the deployment
    return missing


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_suffix(".incoming")
    incoming.unlink(missing_ok=True)
    incoming.touch(mode=_OWNERS)
    incoming.write_text(text)
    incoming.chmod(_READ_BY_ALL)
    incoming.replace(path)
