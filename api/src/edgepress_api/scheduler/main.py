"""Starts the scheduler."""

import logging
import signal
import threading
from datetime import UTC, datetime

from redis import Redis

from edgepress_api.database import Database
from edgepress_api.scheduler.broker import Outbox, RedisMailbox
from edgepress_api.scheduler.loop import Scheduler
from edgepress_api.settings import ApiSettings
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_api.webhooks.courier import Courier
from edgepress_api.webhooks.posting import GuardedPoster
from edgepress_common.alive import SignOfLife


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = ApiSettings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database = Database(settings.database_url)
    scheduler = Scheduler(
        database=database,
        ledger=Ledger(Rules.of(settings)),
        mailbox=RedisMailbox(Redis.from_url(settings.redis_url, socket_timeout=10, socket_connect_timeout=10)),
        sender=Outbox(settings.redis_url),
        ahead=settings.dispatch_ahead,
        clock=lambda: datetime.now(UTC),
        wait=stop.wait,
        began=datetime.now(UTC),
        alive=SignOfLife(settings.alive_file),
    )
    poster = GuardedPoster(settings.webhook_networks)
    courier = Courier(database=database, poster=poster, clock=lambda: datetime.now(UTC))
    carrying = threading.Thread(target=courier.run, args=(stop,), name="courier")
    carrying.start()
    try:
        scheduler.run(stop.is_set)
    finally:
        stop.set()
        carrying.join()
    database.close()
