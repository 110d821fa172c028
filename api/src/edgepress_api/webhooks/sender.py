"""Sends due deliveries, next to the scheduler's rounds: a slow receiver does not delay steps.

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

from edgepress_api.access.sealing import SecretBox, WrongKeyError
from edgepress_api.database import Database, JobRow, WebhookRow
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
    job_number: int
    id: str
    url: str
    secret: str
    body: bytes
    owner: str


@dataclass(frozen=True)
class WebhookSender:
    """Sends deliveries.

    Attributes:
        database: The database of the webhooks.
        poster: Posts a delivery.
        clock: Returns the current time.
        box: Decrypts the secrets in the database.
    """

    database: Database
    poster: Poster
    clock: Callable[[], datetime]
    box: SecretBox = field(default_factory=lambda: SecretBox(None))

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
        due = (
            select(WebhookRow, JobRow)
            .join(JobRow, JobRow.number == WebhookRow.job_number)
            .where(WebhookRow.state == "due", WebhookRow.due_at <= now, JobRow.owner.not_in(busy))
            .limit(_LOOKED_AT)
        )
        with self.database.read() as session:
            if not places or session.execute(due).first() is None:
                return []  # most of the time
        taken = Counter(active)
        words: list[_Word] = []
        with self.database.write() as session:
            for row, job in session.execute(due.order_by(WebhookRow.due_at)).all():
                if len(words) < places and taken[job.owner] < _AT_ONCE_BY_USER:
                    taken[job.owner] += 1
                    row.attempts += 1
                    row.due_at = now + _CLAIM
                    words.append(_word(job, row))
        return words

    def _carry_safely(self, word: _Word) -> None:
        try:
            self._carry(word)
        except OperationalError as error:  # it is due again once the claim is over
            logger.warning("webhook %s: the database does not answer: %s", word.id, error.orig)
        except Exception:
            logger.exception("webhook %s", word.id)

    def _carry(self, word: _Word) -> None:
        try:
            headers = signed_headers(self.box.open(word.secret), word.id, self.clock(), word.body)
            answer = f"answered with {self.poster.post(word.url, headers, word.body)}"
            taken = True
        except (NotTakenError, WrongKeyError) as error:
            answer, taken = str(error), False
        logger.info("webhook %s: %s", word.id, answer)
        with self.database.write() as session:
            row = session.get(WebhookRow, word.job_number)
            if row is None or row.word_id != word.id:
                return  # deleted meanwhile, or ended again
            row.answer = answer
            if taken:
                row.state, row.due_at, row.delivered_at = "delivered", None, self.clock()
            elif row.attempts > len(PAUSES):
                row.state, row.due_at = "failed", None
            else:
                row.due_at = self.clock() + PAUSES[row.attempts - 1]


def _word(job: JobRow, row: WebhookRow) -> _Word:
    assert row.word_id is not None
    body = JobEnded(job=job.id, name=job.name, state=job.state, error=job.error, finished_at=job.finished_at)
    return _Word(row.job_number, row.word_id, row.url, row.secret, body.model_dump_json().encode(), job.owner)
