"""Carries what is due, beside the scheduler's rounds: a receiver that is slow holds up no step.

What is due is claimed in the database before it is posted, and due again a while later: a courier that is killed in
between leaves it to the next. What is not taken is tried again after pauses that grow, and then given up.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from edgepress_api.database import Database, JobRow, WebhookRow
from edgepress_api.database.tables import JobState
from edgepress_api.webhooks.posting import NotTakenError, Poster
from edgepress_api.webhooks.signature import signed_headers
from edgepress_common.frozen import Frozen

logger = logging.getLogger(__name__)

# Within the first minutes a restart is bridged, within the day a receiver that somebody has to mend.
PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=4),
    timedelta(hours=24),
)
_CLAIM = timedelta(minutes=2)  # longer than a post can take
_AT_ONCE = 4
_LOOK_SECONDS = 1.0


class JobEnded(Frozen):
    """What is posted.

    Attributes:
        type: What happened.
        job: The job's id; its report is at ``/v1/jobs/{id}/report``.
        name: The job's name.
        state: How it ended.
        error: Why it ended other than well.
        finished_at: When it ended.
    """

    type: str = "job.ended"
    job: str
    name: str
    state: JobState
    error: str | None
    finished_at: datetime | None


@dataclass(frozen=True)
class _Word:
    job_number: int
    id: str
    url: str
    secret: str
    body: bytes


@dataclass(frozen=True)
class Courier:
    """Carries words.

    Attributes:
        database: Where webhooks are.
        poster: Posts one.
        clock: The present moment.
    """

    database: Database
    poster: Poster
    clock: Callable[[], datetime]

    def run(self, stop: threading.Event) -> None:
        """Carries what becomes due, until told to stop."""
        with ThreadPoolExecutor(_AT_ONCE, "webhook") as pool:
            while not stop.wait(_LOOK_SECONDS):
                try:
                    list(pool.map(self._carry, self._claim()))
                except OperationalError as error:
                    logger.warning("webhooks wait for the database: %s", error.orig)

    def round(self) -> int:
        """Carries what is due now, and returns how much that was."""
        words = self._claim()
        for word in words:
            self._carry(word)
        return len(words)

    def _claim(self) -> list[_Word]:
        now = self.clock()
        due = select(WebhookRow).where(WebhookRow.state == "due", WebhookRow.due_at <= now).limit(_AT_ONCE)
        with self.database.read() as session:
            if session.scalars(due).first() is None:
                return []  # most of the time
        with self.database.write() as session:
            rows = session.scalars(due.order_by(WebhookRow.due_at)).all()
            for row in rows:
                row.attempts += 1
                row.due_at = now + _CLAIM
            return [_word(session.get_one(JobRow, row.job_number), row) for row in rows]

    def _carry(self, word: _Word) -> None:
        headers = signed_headers(word.secret, word.id, self.clock(), word.body)
        try:
            answer = f"answered with {self.poster.post(word.url, headers, word.body)}"
            taken = True
        except NotTakenError as error:
            answer, taken = str(error), False
        logger.info("webhook %s: %s", word.id, answer)
        with self.database.write() as session:
            row = session.get(WebhookRow, word.job_number)
            if row is None or row.word_id != word.id:
                return  # deleted meanwhile, or ended anew
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
    return _Word(row.job_number, row.word_id, row.url, row.secret, body.model_dump_json().encode())
