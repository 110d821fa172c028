"""Starts the gateway: REST, and the pages."""

import logging
import signal
import socket
import sys
import threading
from datetime import UTC, datetime
from types import FrameType

import uvicorn
from redis import Redis

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.settings import ApiSettings
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_api.web.adapters import Adapters
from edgepress_api.web.app import create_app
from edgepress_common.artifacts_address import open_store

logger = logging.getLogger(__name__)

_REDIS_SECONDS = 2.0  # a readiness check that takes longer is answered with no
_STOP_SECONDS = 5  # for answers under way; whoever is waiting for something has let go by then


class _Server(uvicorn.Server):
    """Tells where it listens, and tells those who wait for something when it is about to stop."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        await super().startup(sockets)
        for listener in (listener for server in self.servers for listener in server.sockets):
            logger.info("the gateway listens on http://%s:%d", *listener.getsockname()[:2])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See `uvicorn.Server`."""
        self._stopping.set()
        super().handle_exit(sig, frame)


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = ApiSettings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("alembic", "uvicorn.error"):  # the second is where uvicorn tells that it starts and stops
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
    database = Database(settings.database_url)
    migrate(database)
    stopping = threading.Event()
    app = create_app(_adapters(settings, database, stopping))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        root_path=settings.root_path,
        log_config=None,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    # uvicorn raises the signal again once it has stopped: then it is time to go, with all being well.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        _Server(config, stopping).run()
    finally:
        database.close()


def _adapters(settings: ApiSettings, database: Database, stopping: threading.Event) -> Adapters:
    ledger = Ledger(Rules.of(settings))
    redis = Redis.from_url(settings.redis_url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS)
    return Adapters(
        database=database,
        store=open_store(
            settings.artifacts, copies=settings.artifact_copies, copies_bytes=settings.artifact_copies_bytes
        ),
        submission=Submission(database, Fingerprints(settings.dataset_roots), ledger),
        ledger=ledger,
        settings=settings,
        clock=lambda: datetime.now(UTC),
        ping_redis=redis.ping,
        is_stopping=stopping.is_set,
    )
