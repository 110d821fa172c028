"""Delivers a message to its recipient."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from pydantic import TypeAdapter

from edgepress_api.access.sealing import SecretBox
from edgepress_api.database import Database, NotificationRow
from edgepress_api.notifications.mail import MailServer
from edgepress_api.notifications.text import MessageText, message_text
from edgepress_api.webhooks.posting import NotTakenError, Poster
from edgepress_common.spec.notify import ChatRecipient, EmailRecipient, MatrixRecipient, Recipient

_RECIPIENT: TypeAdapter[Recipient] = TypeAdapter(Recipient)


@dataclass(frozen=True)
class Notifier:
    """Delivers messages.

    Attributes:
        database: The database of the messages.
        poster: Posts to web servers of the internet.
        mail: The mail server; None if the server has none.
        public_url: Address of the dashboard for links; None for none.
        box: Decrypts recipients.
    """

    database: Database
    poster: Poster
    mail: MailServer | None = None
    public_url: str | None = None
    box: SecretBox = field(default_factory=lambda: SecretBox(None))

    def deliver(self, message_id: str) -> str:
        """Deliver a message, and return the answer in words.

        Raises:
            NotTakenError: It was not accepted.
            WrongKeyError: The recipient was encrypted with another key.
        """
        with self.database.read() as session:
            row = session.get(NotificationRow, message_id)
            if row is None:
                raise NotTakenError("the message was deleted meanwhile")
            recipient = _RECIPIENT.validate_json(self.box.open(row.secret))
            text, at = message_text(session, row, self.public_url), row.created_at
        match recipient:
            case EmailRecipient(to=to):
                if self.mail is None:
                    raise NotTakenError("this server has no mail server; accepted: EDGEPRESS_SMTP_HOST is set")
                return self.mail.send(to, text, message_id, at)
            case ChatRecipient(url=url):
                return _posted(lambda: self.poster.post(url.get_secret_value(), {}, _chat_body(text)))
            case MatrixRecipient():
                return self._post_to_matrix(recipient, text, message_id)

    def _post_to_matrix(self, recipient: MatrixRecipient, text: MessageText, message_id: str) -> str:
        # The last part of the path is the transaction: the server ignores the second request of a user with the same.
        address = (
            f"{recipient.server.rstrip('/')}/_matrix/client/v3/rooms/{quote(recipient.room, safe='')}"
            f"/send/m.room.message/{message_id}"
        )
        headers = {"Authorization": f"Bearer {recipient.token.get_secret_value()}"}
        body = json.dumps({"msgtype": "m.text", "body": text.body}).encode()
        return _posted(lambda: self.poster.post(address, headers, body, method="PUT"))


def _posted(post: Callable[[], int]) -> str:
    return f"answered with {post()}"


def _chat_body(text: MessageText) -> bytes:
    # Slack reads `<...>` as links and mentions, and decodes these three; so do other chats, as parts of Markdown.
    escaped = text.body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return json.dumps({"text": escaped}).encode()
