"""Notifications: who is notified of a job, and the messages that were sent."""

from datetime import datetime
from typing import Literal

from edgepress_common.answers.jobs import WebhookState
from edgepress_common.frozen import Message
from edgepress_common.spec.notify import Notice

NotificationKind = Literal["job_ended", "device_offline", "device_online", "test"]


class NotificationView(Message):
    """A message, and the state of its delivery.

    Attributes:
        id: Id of the message, the same in every attempt.
        kind: Occasion of the message.
        to: Recipient, without secrets: an e-mail address, the host of a chat, or a place on Matrix.
        device: Device that the message is about.
        state: ``due`` until it is accepted, ``delivered``, or ``failed`` after the last attempt.
        attempts: Number of attempts.
        due_at: Time of the next attempt.
        answer: Response to the latest attempt.
        created_at: Time of the occasion.
    """

    id: str
    kind: NotificationKind
    to: str
    device: str | None
    state: WebhookState
    attempts: int
    due_at: datetime | None
    answer: str | None
    delivered_at: datetime | None
    created_at: datetime


class NotificationList(Message):
    """Messages, in the order of their recipients."""

    messages: tuple[NotificationView, ...]


class RecipientView(Message):
    """A recipient of a job's notifications.

    Attributes:
        kind: ``email``, ``chat`` or ``matrix``.
        to: Recipient, without secrets.
        when: Occasions of messages.
    """

    kind: str
    to: str
    when: tuple[Notice, ...]


class JobNotifications(Message):
    """The recipients of a job's notifications, and the messages to them, the newest first."""

    recipients: tuple[RecipientView, ...]
    messages: tuple[NotificationView, ...]
