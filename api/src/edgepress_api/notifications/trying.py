"""Test messages, which users send to see whether a recipient is reached."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.access.sealing import SecretBox
from edgepress_api.database import NotificationRow
from edgepress_api.jobs.recipients import new_recipient
from edgepress_api.notifications.showing import view_of
from edgepress_api.steps.notices import new_message
from edgepress_common.answers.notifications import NotificationList
from edgepress_common.errors import TooManyTestsError
from edgepress_common.spec.notify import Recipient

MOST_AN_HOUR = 20
"""Test messages of a user: enough to try all recipients of a job twice, and too few to flood a stranger."""


def try_recipients(
    session: Session, box: SecretBox, recipients: Sequence[Recipient], now: datetime, *, owner: str
) -> NotificationList:
    """Queue a test message to each recipient, and return the messages.

    Raises:
        TooManyTestsError: The user would have sent too many within an hour.
    """
    recent = session.scalar(
        select(func.count())
        .select_from(NotificationRow)
        .where(
            NotificationRow.owner == owner,
            NotificationRow.kind == "test",
            NotificationRow.created_at > now - timedelta(hours=1),
        )
    )
    if (recent or 0) + len(recipients) > MOST_AN_HOUR:
        raise TooManyTestsError(
            f"{recent} test messages within an hour, and {len(recipients)} more; accepted: at most {MOST_AN_HOUR}, so "
            "wait"
        )
    rows = [new_message(new_recipient(box, each, owner), "test", now, owner=owner) for each in recipients]
    session.add_all(rows)
    session.flush()
    return NotificationList(messages=tuple(map(view_of, rows)))
