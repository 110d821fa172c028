"""Creates the messages to the recipients of a job, in the transaction in which the job ends."""

import secrets
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, NotificationRow, RecipientRow
from edgepress_common.answers.job_list import ACTIVE_STATES, JobState
from edgepress_common.answers.notifications import NotificationKind
from edgepress_common.spec.notify import Notice

_NOT_FULLY: frozenset[JobState] = frozenset({"failed", "partly_succeeded"})


def follow_recipients(session: Session, job: JobRow, now: datetime) -> None:
    """Create the messages about a job that has ended; delete those about the end of a job that was started again."""
    if job.state in ACTIVE_STATES:
        of_this_end = (NotificationRow.job_number == job.number, NotificationRow.state == "due")
        session.execute(delete(NotificationRow).where(*of_this_end))
        return
    occasions: set[Notice] = {"job_ended", *(("job_failed",) if job.state in _NOT_FULLY else ())}
    for recipient in session.scalars(select(RecipientRow).where(RecipientRow.job_number == job.number)):
        if occasions & {*recipient.notices}:
            session.add(new_message(recipient, "job_ended", now, owner=job.owner, job_number=job.number))


def new_message(
    recipient: RecipientRow | NotificationRow,
    kind: NotificationKind,
    now: datetime,
    *,
    owner: str,
    job_number: int | None = None,
    device: str | None = None,
) -> NotificationRow:
    """Return a message to a recipient, which is due now."""
    return NotificationRow(
        id=f"notice-{secrets.token_hex(8)}",
        owner=owner,
        job_number=job_number,
        kind=kind,
        device=device,
        secret=recipient.secret,
        digest=recipient.digest,
        shown=recipient.shown,
        created_at=now,
        state="due",
        attempts=0,
        due_at=now,
    )
