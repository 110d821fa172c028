"""Starts the scheduler."""

import logging
import signal
import threading
from datetime import UTC, datetime

from redis import Redis

from edgepress_api.access.sealing import SecretBox
from edgepress_api.database import Database
from edgepress_api.notifications.mail import MailServer
from edgepress_api.notifications.sending import Notifier
from edgepress_api.planners.registry import Planners
from edgepress_api.scheduler.broker import Outbox, RedisInbox
from edgepress_api.scheduler.loop import Scheduler
from edgepress_api.settings import ApiSettings
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_api.webhooks.posting import GuardedPoster
from edgepress_api.webhooks.sender import WebhookSender
from edgepress_common.heartbeat import Heartbeat


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = ApiSettings.read_or_exit()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database = Database(settings.database_url)
    scheduler = Scheduler(
        database=database,
        ledger=Ledger(Rules.of(settings)),
        inbox=RedisInbox(Redis.from_url(settings.redis_url, socket_timeout=10, socket_connect_timeout=10)),
        sender=Outbox(settings.redis_url),
        ahead=settings.dispatch_ahead,
        clock=lambda: datetime.now(UTC),
        wait=stop.wait,
        began=datetime.now(UTC),
        heartbeat=Heartbeat(settings.heartbeat_file),
        planners=Planners.with_others(settings.planners),
    )
    threading.Thread(target=_wake_at_stop, args=(scheduler, stop), name="stopping", daemon=True).start()
    poster = GuardedPoster(settings.webhook_networks)
    box = SecretBox(settings.webhook_key)
    notifier = Notifier(database, poster, MailServer.of(settings), settings.public_url, box)
    webhooks = WebhookSender(
        database=database, poster=poster, clock=lambda: datetime.now(UTC), box=box, notify=notifier.deliver
    )
    carrying = threading.Thread(target=webhooks.run, args=(stop,), name="webhooks")
    carrying.start()
    try:
        scheduler.run(stop.is_set)
    finally:
        stop.set()
        carrying.join()
    database.close()


def _wake_at_stop(scheduler: Scheduler, stop: threading.Event) -> None:
    """End the scheduler's wait when it is told to stop. Not in the signal handler, which may have interrupted Redis."""
    stop.wait()
    scheduler.wake()
