"""Starts the gateway: REST, and the pages."""

import logging
import signal
import socket
import sys
import threading
from datetime import UTC, datetime, timedelta
from types import FrameType

import uvicorn
from redis import Redis

from edgepress_api.cleaning.cleaner import Cleaner
from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.room import Room
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
            scheme = "https" if self.config.is_ssl else "http"
            logger.info("the gateway listens on %s://%s:%d", scheme, *listener.getsockname()[:2])

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
    adapters = _adapters(settings, database, stopping)
    app = create_app(adapters)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_certificate,
        root_path=settings.root_path,
        log_config=None,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    # uvicorn raises the signal again once it has stopped: then it is time to go, with all being well.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    _start_cleaning(adapters, stopping)
    try:
        _Server(config, stopping).run()
    finally:
        database.close()


def _start_cleaning(adapters: Adapters, stopping: threading.Event) -> None:
    """Here, since of this room's processes only the gateway has the store. What is cut short is done the next time."""
    days = adapters.settings.retention_days
    cleaner = Cleaner(
        adapters.database, adapters.store, None if days is None else timedelta(days=days), clock=adapters.clock
    )
    pause_seconds = adapters.settings.cleaning_seconds
    threading.Thread(target=cleaner.run, args=(stopping, pause_seconds), name="cleaner", daemon=True).start()


def _adapters(settings: ApiSettings, database: Database, stopping: threading.Event) -> Adapters:
    ledger = Ledger(Rules.of(settings))
    store = open_store(settings.artifacts, copies=settings.artifact_copies, copies_bytes=settings.artifact_copies_bytes)
    room = Room(store, settings.reserve_bytes)
    redis = Redis.from_url(settings.redis_url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS)
    return Adapters(
        database=database,
        store=store,
        room=room,
        submission=Submission(database, Fingerprints(settings.dataset_roots), ledger, room.require),
        ledger=ledger,
        settings=settings,
        clock=lambda: datetime.now(UTC),
        ping_redis=redis.ping,
        is_stopping=stopping.is_set,
    )
