"""The text of a message: the state, the first sentence of the recommendation, and a link."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.database import DeviceRow, JobRow, NotificationRow, StepRow
from edgepress_api.report.building import build_report
from edgepress_common.text import harmless

logger = logging.getLogger(__name__)

_LONGEST_ERROR = 300
_LONGEST_SUBJECT = 200
_MOST_DEVICES = 3
_STATES = {
    "succeeded": "has succeeded", "failed": "has failed", "partly_succeeded": "has partly succeeded",
    "cancelled": "was cancelled",
}  # fmt: skip


class MessageText(NamedTuple):
    """A message: a line, and all its lines."""

    subject: str
    body: str


def message_text(session: Session, row: NotificationRow, public_url: str | None) -> MessageText:
    """Return the text of a message.

    Args:
        session: The database session.
        row: The message.
        public_url: Address of the dashboard for links; None for none.
    """
    match row.kind:
        case "job_ended":
            job = session.get_one(JobRow, row.job_number)
            first, lines = f"Job {job.name!r} {_STATES.get(job.state, 'is active')}", [*_of_job(session, job)]
            path = f"/jobs/{job.id}"
        case "device_offline" | "device_online":
            first, lines, path = _of_device(session, row), [*_waiting(session, row.device)], "/devices"
        case _:
            first = "This is a test message of Edgepress"
            lines, path = ["Messages about jobs and devices would arrive here."], "/"
    first = _one_line(first)
    link = [f"{public_url.rstrip('/')}{path}"] if public_url else []
    return MessageText(f"Edgepress: {first}"[:_LONGEST_SUBJECT], "\n".join([f"{first}.", *lines, *link]))


def _of_job(session: Session, job: JobRow) -> Iterator[str]:
    if job.error:
        error = _one_line(job.error)
        yield error if len(error) <= _LONGEST_ERROR else f"{error[:_LONGEST_ERROR]}..."
    try:
        report = build_report(session, job.id)
    except Exception:  # the message is worth more than its second sentence
        logger.exception("no recommendation for the notification about %s", job.id)
        return
    devices = report.recommendation.devices if report.recommendation is not None else ()
    for device in devices[:_MOST_DEVICES]:
        if device.summary:
            which = f"{device.device}: " if len(devices) > 1 else ""
            yield f"{which}{_one_line(device.summary[0])}"


def _of_device(session: Session, row: NotificationRow) -> str:
    """Return what happened, which stays true when the message is late."""
    device = "No device is online" if row.device == "any" else f"Device {row.device!r}"
    at = f"{row.created_at:%Y-%m-%d %H:%M} UTC"
    if row.kind == "device_online":
        return f"A device is online again ({at})" if row.device == "any" else f"{device} is online again ({at})"
    if row.device == "any":
        return f"{device} ({at})"
    known = session.get(DeviceRow, row.device)
    if known is not None and known.announcement.problem is not None:
        return f"{device} can't measure ({at}): {known.announcement.problem}"[:_LONGEST_ERROR]
    return f"{device} went offline ({at})"


def _waiting(session: Session, device: str | None) -> Iterator[str]:
    count = session.scalar(
        select(func.count())
        .select_from(StepRow)
        .where(StepRow.kind == "evaluation", StepRow.state == "ready", StepRow.device == device)
    )
    if count:
        yield f"{count} evaluation{'s wait' if count > 1 else ' waits'} for it."


def _one_line(text: str) -> str:
    return harmless(" ".join(text.split()))
