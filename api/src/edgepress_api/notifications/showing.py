"""Recipients and messages as the API shows them."""

from datetime import UTC, datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import Principal
from edgepress_api.database import JobRow, NotificationRow, RecipientRow
from edgepress_common.answers.notifications import JobNotifications, NotificationView, RecipientView
from edgepress_common.errors import NotFoundError

_MOST_MESSAGES = 100
_EVER = datetime(9999, 1, 1, tzinfo=UTC)
_RENAMED = {"to": "shown"}


def view_of(row: NotificationRow) -> NotificationView:
    """Return a message."""
    return NotificationView(**{name: getattr(row, _RENAMED.get(name, name)) for name in NotificationView.model_fields})


def show_message(session: Session, message_id: str, who: Principal) -> NotificationView:
    """Return a message of a user.

    Raises:
        NotFoundError: No such message, or it belongs to another user.
    """
    row = session.get(NotificationRow, message_id)
    if row is None or who.viewer not in {None, row.owner}:
        raise NotFoundError(f"notification {message_id!r} does not exist")
    return view_of(row)


def show_notifications(session: Session, job_id: str) -> JobNotifications:
    """Return the recipients of a job, and the newest messages to them about the job and its devices.

    Raises:
        NotFoundError: No such job.
    """
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    recipients = session.scalars(
        select(RecipientRow).where(RecipientRow.job_number == job.number).order_by(RecipientRow.id)
    ).all()
    about_its_devices = and_(
        NotificationRow.digest.in_([recipient.digest for recipient in recipients]),
        NotificationRow.device.in_(job.devices or ()),
        NotificationRow.created_at.between(job.created_at, job.finished_at or _EVER),
    )
    messages = session.scalars(
        select(NotificationRow)
        .where(or_(NotificationRow.job_number == job.number, about_its_devices))
        .order_by(NotificationRow.created_at.desc(), NotificationRow.id)
        .limit(_MOST_MESSAGES)
    )
    return JobNotifications(
        recipients=tuple(RecipientView(kind=row.kind, to=row.shown, when=row.notices) for row in recipients),
        messages=tuple(map(view_of, messages)),
    )
