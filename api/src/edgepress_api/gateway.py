"""Starts the gateway: REST API and dashboard."""

import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType

import uvicorn
from asgi_correlation_id import CorrelationIdFilter
from redis import Redis

from edgepress_api.access.sealing import SecretBox
from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.garbage_collection.collector import GarbageCollector
from edgepress_api.jobs.submission import Submission
from edgepress_api.notifications.rules import RecipientRules
from edgepress_api.planners.registry import Planners
from edgepress_api.settings import ApiSettings
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_api.storage.free_space import FreeSpace
from edgepress_api.web.adapters import Adapters
from edgepress_api.web.app import create_app
from edgepress_api.webhooks.secrets_at_rest import seal_stored_secrets
from edgepress_common.artifacts.opening import check_store_or_exit, open_store

logger = logging.getLogger(__name__)

_REDIS_SECONDS = 2.0  # a readiness check that takes longer has failed
# Longer than the polling intervals of clients, and than the 60 s for which proxies keep idle connections.
_KEEP_ALIVE_SECONDS = 75
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(correlation_id)s]: %(message)s"
_STOP_SECONDS = 5  # for active responses; requests that wait have returned by then


class _Server(uvicorn.Server):
    """Server that logs its address, and signals waiting requests when it is about to stop."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event, wake: Callable[[], object]) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._wake = wake

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        await super().startup(sockets)
        for listener in (listener for server in self.servers for listener in server.sockets):
            scheme = "https" if self.config.is_ssl else "http"
            logger.info("the gateway listens on %s://%s:%d", scheme, *listener.getsockname()[:2])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See `uvicorn.Server`."""
        self._stopping.set()
        self._wake()
        super().handle_exit(sig, frame)


def main() -> None:
    """Run the gateway until SIGTERM or SIGINT."""
    settings = ApiSettings.read_or_exit()
    logging.basicConfig(level=settings.log_level, format=_LOG_FORMAT)
    for handler in logging.getLogger().handlers:
        handler.addFilter(CorrelationIdFilter(default_value="-"))
    for chatty in ("alembic", "uvicorn.error"):  # uvicorn logs its start and stop to the second
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
    # Otherwise clients could fill the log with ids that are replaced.
    logging.getLogger("asgi_correlation_id").setLevel(logging.ERROR)
    check_store_or_exit(settings.artifacts)
    database = Database(settings.database_url)
    migrate(database)
    seal_stored_secrets(database, SecretBox(settings.webhook_key))
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
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    # uvicorn raises the signal again after it has stopped; then the process exits with status 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    _start_garbage_collection(adapters, stopping)
    # What is loaded stays: looked through for garbage again and again, it would stop all answers for half a second.
    gc.freeze()
    try:
        _Server(config, stopping, database.changes.notify).run()
    finally:
        database.close()


def _start_garbage_collection(adapters: Adapters, stopping: threading.Event) -> None:
    """Run in the gateway: the scheduler has no artifact store. The next round completes an interrupted one."""
    days = adapters.settings.retention_days
    collector = GarbageCollector(
        adapters.database, adapters.store, None if days is None else timedelta(days=days), clock=adapters.clock
    )
    pause_seconds = adapters.settings.garbage_collection_seconds
    threading.Thread(
        target=collector.run, args=(stopping, pause_seconds), name="garbage-collector", daemon=True
    ).start()


def _adapters(settings: ApiSettings, database: Database, stopping: threading.Event) -> Adapters:
    ledger = Ledger(Rules.of(settings))
    store = open_store(settings.artifacts, copies=settings.artifact_copies, copies_bytes=settings.artifact_copies_bytes)
    free_space = FreeSpace(store, settings.reserve_bytes)
    planners = Planners.with_others(settings.planners)
    redis = Redis.from_url(settings.redis_url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS)
    return Adapters(
        database=database,
        store=store,
        free_space=free_space,
        submission=Submission(
            database,
            Fingerprints(settings.dataset_roots),
            ledger,
            free_space.require,
            planners,
            SecretBox(settings.webhook_key),
            RecipientRules.of(settings).check,
        ),
        ledger=ledger,
        settings=settings,
        clock=lambda: datetime.now(UTC),
        ping_redis=redis.ping,
        is_stopping=stopping.is_set,
    )
