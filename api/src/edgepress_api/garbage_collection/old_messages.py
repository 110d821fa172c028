"""Deletes old notifications that do not belong to a job: those about devices, and tests."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from edgepress_api.database import Database, NotificationRow

_KEPT = timedelta(days=30)  # longer than the attempts at a delivery take


def delete_old_messages(database: Database, now: datetime) -> None:
    """Delete the notifications without a job that were created more than a month ago."""
    old = (NotificationRow.job_number.is_(None), NotificationRow.created_at < now - _KEPT)
    with database.read() as session:
        if session.execute(select(NotificationRow.id).where(*old).limit(1)).first() is None:
            return
    with database.write() as session:
        session.execute(delete(NotificationRow).where(*old))
