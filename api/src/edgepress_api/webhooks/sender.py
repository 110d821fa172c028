"""Sends due deliveries, next to the scheduler's rounds: a slow receiver does not delay steps.

Webhooks and notifications share the queue.

A due delivery is claimed in the database before it is posted, and is due again later: if the webhook sender is killed
meanwhile, the next one sends it. A failed delivery is tried again after growing pauses, and then given up.
"""

import itertools
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from edgepress_api.access.sealing import SecretBox, WrongKeyError
from edgepress_api.database import Database, DeliveryRow, JobRow, NotificationRow, WebhookRow
from edgepress_api.webhooks.posting import NotTakenError, Poster
from edgepress_api.webhooks.signature import signed_headers
from edgepress_common.answers.webhooks import JobEnded

logger = logging.getLogger(__name__)

# The first minutes cover a restart of the receiver, the rest of the day a repair by its operator.
PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=4),
    timedelta(hours=24),
)
_CLAIM = timedelta(minutes=2)  # longer than a post can take, see `egress_policy`
_AT_ONCE = 16  # each takes a thread, which waits most of the time
_AT_ONCE_BY_USER = 2  # receivers of one user may be slow: the others' words wait for none of them
_LOOKED_AT = 200
_NOTHING: Mapping[str, int] = MappingProxyType({})
_LOOK_SECONDS = 1.0
_IDLE_LOOKS = 5  # without a change of the database, the shortest of `PAUSES` later is soon enough


@dataclass(frozen=True)
class _Word:
    """A claimed delivery.

    Attributes:
        id: Id of the delivery, the same in every attempt.
        owner: User whose delivery it is.
        send: Sends it, and returns the answer in words.
        row: Finds its row; None if it was deleted meanwhile, or is about another end of the job.
        is_tried_again: Whether a delivery that fails is sent again.
    """

    id: str
    owner: str
    send: Callable[[], str]
    row: Callable[[Session], DeliveryRow | None]
    is_tried_again: bool = True


def _no_notifications(message_id: str) -> str:
    raise NotTakenError(f"{message_id}: this sender sends webhooks only")


@dataclass(frozen=True)
class WebhookSender:
    """Sends deliveries.

    Attributes:
        database: The database of the webhooks.
        poster: Posts a delivery.
        clock: Returns the current time.
        box: Decrypts the secrets in the database.
        notify: Delivers a notification by its id, and returns the answer in words; raises `NotTakenError`.
    """

    database: Database
    poster: Poster
    clock: Callable[[], datetime]
    box: SecretBox = field(default_factory=lambda: SecretBox(None))
    notify: Callable[[str], str] = _no_notifications

    def run(self, stop: threading.Event) -> None:
        """Send deliveries as they become due, until told to stop."""
        active: dict[Future[None], str] = {}
        changed = threading.Event()
        with ThreadPoolExecutor(_AT_ONCE, "webhook") as pool, self.database.changes.subscribed(changed.set):
            for look in itertools.count():
                if stop.wait(_LOOK_SECONDS):
                    break
                if not active and not changed.is_set() and look % _IDLE_LOOKS:
                    continue
                changed.clear()
                active = {word: owner for word, owner in active.items() if not word.done()}
                try:
                    claimed = self._claim(Counter(active.values()), _AT_ONCE - len(active))
                except OperationalError as error:
                    logger.warning("webhooks wait for the database: %s", error.orig)
                    continue
                active |= {pool.submit(self._carry_safely, word): word.owner for word in claimed}

    def round(self) -> int:
        """Send the deliveries that are due now, and return their number."""
        words = self._claim()
        for word in words:
            self._carry(word)
        return len(words)

    def _claim(self, active: Mapping[str, int] = _NOTHING, places: int = _AT_ONCE) -> list[_Word]:
        """Claim what is due, the oldest first, but no more of one user at once than `_AT_ONCE_BY_USER`.

        Args:
            active: Number of deliveries that are being posted, by user.
            places: Maximum number of deliveries to claim.
        """
        now = self.clock()
        busy = [user for user, count in active.items() if count >= _AT_ONCE_BY_USER]
        webhooks = (
            select(WebhookRow, JobRow)
            .join(JobRow, JobRow.number == WebhookRow.job_number)
            .where(WebhookRow.state == "due", WebhookRow.due_at <= now, JobRow.owner.not_in(busy))
            .limit(_LOOKED_AT)
        )
        notifications = (
            select(NotificationRow)
            .where(NotificationRow.state == "due", NotificationRow.due_at <= now, NotificationRow.owner.not_in(busy))
            .limit(_LOOKED_AT)
        )
        with self.database.read() as session:
            if not places or (session.execute(webhooks).first() or session.scalars(notifications).first()) is None:
                return []  # most of the time
        taken = Counter(active)
        words: list[_Word] = []
        with self.database.write() as session:
            due: list[tuple[DeliveryRow, _Word]] = [
                (row, self._webhook(job, row)) for row, job in session.execute(webhooks.order_by(WebhookRow.due_at))
            ]
            due += [
                (row, self._notification(row))
                for row in session.scalars(notifications.order_by(NotificationRow.due_at))
            ]
            for row, word in sorted(due, key=lambda each: each[0].due_at or now):
                if len(words) < places and taken[word.owner] < _AT_ONCE_BY_USER:
                    taken[word.owner] += 1
                    row.attempts += 1
                    row.due_at = now + _CLAIM
                    words.append(word)
        return words

    def _carry_safely(self, word: _Word) -> None:
        try:
            self._carry(word)
        except OperationalError as error:  # it is due again once the claim is over
            logger.warning("delivery %s: the database does not answer: %s", word.id, error.orig)
        except Exception:
            logger.exception("delivery %s", word.id)

    def _carry(self, word: _Word) -> None:
        try:
            answer, taken = word.send(), True
        except (NotTakenError, WrongKeyError) as error:
            answer, taken = str(error), False
        except OperationalError:
            raise
        except Exception:  # of any kind: it must not be tried for ever
            logger.exception("delivery %s", word.id)
            answer, taken = "failed unexpectedly; the scheduler's log has the details for its operator", False
        logger.info("delivery %s: %s", word.id, answer)
        with self.database.write() as session:
            row = word.row(session)
            if row is None:
                return
            row.answer = answer
            if taken:
                row.state, row.due_at, row.delivered_at = "delivered", None, self.clock()
            elif row.attempts > len(PAUSES) or not word.is_tried_again:
                row.state, row.due_at = "failed", None
            else:
                row.due_at = self.clock() + PAUSES[row.attempts - 1]

    def _webhook(self, job: JobRow, row: WebhookRow) -> _Word:
        assert row.word_id is not None
        word_id, url, secret, number = row.word_id, row.url, row.secret, row.job_number
        ended = JobEnded(job=job.id, name=job.name, state=job.state, error=job.error, finished_at=job.finished_at)
        body = ended.model_dump_json().encode()

        def send() -> str:
            headers = signed_headers(self.box.open(secret), word_id, self.clock(), body)
            return f"answered with {self.poster.post(url, headers, body)}"

        def find(session: Session) -> DeliveryRow | None:
            found = session.get(WebhookRow, number)
            return found if found is not None and found.word_id == word_id else None

        return _Word(word_id, job.owner, send, find)

    def _notification(self, row: NotificationRow) -> _Word:
        message_id = row.id
        return _Word(
            message_id,
            row.owner,
            send=lambda: self.notify(message_id),
            row=lambda session: session.get(NotificationRow, message_id),
            is_tried_again=row.kind != "test",
        )
