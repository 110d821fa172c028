"""``edgepress-secrets``: makes the passwords of a deployment's Redis and PostgreSQL, once.

Nobody has to think of one, and there is no default that everybody knows. Each is written into a folder of its own, for
those who need it, as the setting that has it (`edgepress_common.settings`) and as the server wants it:

- ``broker/``: ``edgepress_redis_url``, and ``redis.conf``, which Redis is started with;
- ``database/``: ``edgepress_database_url``, and ``postgres_password``.

What is there already is kept: a password lasts as long as the data it guards. One that is given in the environment
(``EDGEPRESS_REDIS_PASSWORD``, ``EDGEPRESS_POSTGRES_PASSWORD``) is taken in place of a new one.
"""

import secrets
import sys
from pathlib import Path
from urllib.parse import quote

from pydantic import Field, SecretStr

from edgepress_common.settings import BaseEdgepressSettings

_BYTES = 32  # 256 bits
_READ_BY_ALL = 0o444  # by all who have the folder: the servers run as users of their own
_OWNERS = 0o600


class SecretsSettings(BaseEdgepressSettings):
    """Where secrets go, and where the servers are that they are for."""

    secrets_folder: Path = Field(default=Path("/run/secrets"), description="Parent of the folders.")
    redis_address: str = Field(default="redis:6379", description="Host and port.")
    postgres_address: str = Field(default="postgres:5432", description="Host and port.")
    redis_password: SecretStr = Field(default=SecretStr(""), description="Empty: a new one is made.")
    postgres_password: SecretStr = Field(default=SecretStr(""), description="Empty: a new one is made.")


def main() -> None:
    """Writes what is not there."""
    settings = SecretsSettings()
    broker, database = settings.secrets_folder / "broker", settings.secrets_folder / "database"
    if _is_missing(broker / "redis.conf"):
        password = settings.redis_password.get_secret_value() or secrets.token_urlsafe(_BYTES)
        if any(character in password for character in '"\\\n'):
            sys.exit("EDGEPRESS_REDIS_PASSWORD has a quote, a backslash or a line break; accepted: any other character")
        url = f"redis://:{quote(password, safe='')}@{settings.redis_address}/0"
        _write(broker / "edgepress_redis_url", url)
        _write(broker / "redis.conf", f'requirepass "{password}"\n')
    if _is_missing(database / "postgres_password"):
        password = settings.postgres_password.get_secret_value() or secrets.token_urlsafe(_BYTES)
        url = f"postgresql+psycopg://edgepress:{quote(password, safe='')}@{settings.postgres_address}/edgepress"
        _write(database / "edgepress_database_url", url)
        _write(database / "postgres_password", password)


def _is_missing(path: Path) -> bool:
    missing = not path.exists()
    print(f"{path}: {'made' if missing else 'kept'}")  # noqa: T201 - for whoever starts the deployment
    return missing


def _write(path: Path, text: str) -> None:
    """Whole or not at all: the file that is looked for comes last, and is there only when all of it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_suffix(".incoming")
    incoming.unlink(missing_ok=True)
    incoming.touch(mode=_OWNERS)
    incoming.write_text(text)
    incoming.chmod(_READ_BY_ALL)
    incoming.replace(path)
