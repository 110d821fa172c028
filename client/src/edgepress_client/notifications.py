"""Notifications: try the recipients of a spec."""

import time
from collections.abc import Iterator

from edgepress_client.connection import Connection
from edgepress_client.specs import Spec, spec_document
from edgepress_common.answers.notifications import NotificationList, NotificationView

_POLL_SECONDS = 0.5


class Notifications:
    """Messages to the recipients of specs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def test(self, spec: Spec) -> NotificationList:
        """Send a test message to each recipient of a spec, and return the messages, which are queued.

        Args:
            spec: The spec, as a file, a dictionary or a `JobSpec`; only its field ``notify`` is used.
        """
        document = spec_document(spec)
        headers = {"Content-Type": document.media_type}
        return self._connection.post(
            NotificationList, "notifications", "test", content=document.content, headers=headers
        )

    def get(self, message_id: str) -> NotificationView:
        """Return a message with the state of its delivery."""
        return self._connection.get(NotificationView, "notifications", message_id)

    def wait(self, messages: NotificationList, timeout_seconds: float) -> Iterator[NotificationView]:
        """Yield each message once it is delivered or has failed; after the time limit, as it is then."""
        deadline = time.monotonic() + timeout_seconds
        for message in messages.messages:
            found = self.get(message.id)
            while found.state == "due" and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                found = self.get(message.id)
            yield found
