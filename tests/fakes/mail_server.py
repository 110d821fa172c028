"""A mail server that keeps the messages that it accepts, with TLS and authentication: aiosmtpd on a port of its own."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from conftest import free_port

USER, PASSWORD = "edgepress", "a password of the mail server"


@dataclass
class MailHandler:
    """The messages, and what the server answers.

    Attributes:
        answer: The answer to each message.
        heard: The messages, with the recipients of their envelopes.
        port: Where it listens.
    """

    answer: str = "250 OK"
    heard: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """See aiosmtpd."""
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.heard.append((envelope.rcpt_tos, message))
        return self.answer


@contextmanager
def mail_server(
    certificate: tuple[Path, Path] | None = None, encryption: Literal["starttls", "tls", "none"] = "none"
) -> Iterator[MailHandler]:
    """Serves as long as the block lasts; with encryption, only to the user above."""
    handler = MailHandler()
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        options = {"tls_context": context, "require_starttls": True} if encryption == "starttls" else {
            "ssl_context": context, "auth_require_tls": False,  # aiosmtpd means STARTTLS
        }  # fmt: skip
        options |= {"authenticator": _authenticate, "auth_required": True}
    handler.port = free_port()  # aiosmtpd connects to it at its start, so it can't choose one itself
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port, **options)
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)
