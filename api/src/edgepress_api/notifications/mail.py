"""Sends e-mail through the mail server of the settings."""

import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from pydantic import SecretStr

from edgepress_api.notifications.text import MessageText
from edgepress_api.settings import ApiSettings
from edgepress_api.webhooks.posting import NotTakenError
from edgepress_common.text import harmless

_SECONDS = 10.0  # for each of about ten exchanges: less than the claim of the sender in all
_DEFAULT_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LONGEST_ANSWER = 300

Encryption = Literal["starttls", "tls", "none"]


@dataclass(frozen=True)
class MailServer:
    """A mail server, and the address that messages come from.

    Attributes:
        host: Its name or address.
        sender: Address that messages come from.
        encryption: ``starttls``: TLS after the greeting; ``tls``: TLS from the beginning; ``none``.
        port: Its port; None for the usual one.
        user: User to sign in as; None to not sign in.
        password: Password of the user.
        trust: Certificates that are trusted.
    """

    host: str
    sender: str
    encryption: Encryption = "starttls"
    port: int | None = None
    user: str | None = None
    password: SecretStr | None = None
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    @classmethod
    def of(cls, settings: ApiSettings) -> "MailServer | None":
        """Return the mail server of the settings; None if they name none."""
        if settings.smtp_host is None or settings.smtp_from is None:
            return None
        return cls(
            settings.smtp_host,
            settings.smtp_from,
            settings.smtp_encryption,
            settings.smtp_port,
            settings.smtp_user,
            settings.smtp_password,
        )

    def send(self, to: str, text: MessageText, message_id: str, at: datetime) -> str:
        """Send a message, and return the answer of the mail server in words.

        Args:
            to: E-mail address.
            text: The message.
            message_id: Id of the message, the same in every attempt.
            at: Time of the occasion.

        Raises:
            NotTakenError: The mail server can't be reached, or refuses the message.
        """
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, text.subject
        message["Date"] = format_datetime(at)
        message["Message-ID"] = f"<{message_id}@{self.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # so that no program answers it (RFC 3834)
        message.set_content(text.body)
        try:
            with self._connection() as server:
                if self.encryption == "starttls":
                    server.starttls(context=self.trust)
                if self.user is not None and self.password is not None:
                    server.login(self.user, self.password.get_secret_value())
                server.send_message(message)
        except smtplib.SMTPResponseException as error:
            raise _not_taken(f"{self.host} answered {error.smtp_code} {_words(error.smtp_error)}") from error
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise _not_taken(f"{self.host} refused {to}: {code} {_words(words)}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise _not_taken(f"{self.host}: {str(error) or type(error).__name__}") from error
        return f"accepted by {self.host}"

    def _connection(self) -> smtplib.SMTP:
        port = self.port or _DEFAULT_PORTS[self.encryption]
        if self.encryption == "tls":
            return smtplib.SMTP_SSL(self.host, port, timeout=_SECONDS, context=self.trust)
        return smtplib.SMTP(self.host, port, timeout=_SECONDS)


def _not_taken(answer: str) -> NotTakenError:
    return NotTakenError(harmless(" ".join(answer.split()))[:_LONGEST_ANSWER])


def _words(answer: bytes | str) -> str:
    return answer if isinstance(answer, str) else answer.decode(errors="replace")
