"""Recipients of notifications, and the occasions: by e-mail, in a chat, on Matrix."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from edgepress_common.frozen import Frozen
from edgepress_common.spec.web_address import WebAddress, check_web_address

Notice = Literal["job_ended", "job_failed", "device_offline"]

NOTICES: dict[Notice, str] = {
    "job_ended": "the job has ended, in any state",
    "job_failed": "the job has failed, or only partly succeeded",
    "device_offline": "a device that has evaluations of the job to do is offline, and when it is online again",
}
"""All kinds of notification, each with its occasion."""

MOST_RECIPIENTS = 10

# The form that browsers accept in <input type=email>, by the HTML standard.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*"
_ROOM = r"^![^\x00-\x20\x7f/?#]{1,250}$"


def _email_address(text: str) -> str:
    if not re.fullmatch(_EMAIL, text, re.ASCII):
        raise ValueError("is not an e-mail address; accepted: one such as anna@example.org")
    return text


EmailAddress = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email_address)]


def _each_once(notices: tuple[Notice, ...]) -> tuple[Notice, ...]:
    return tuple(dict.fromkeys(notices))


def _secret_address(url: SecretStr) -> SecretStr:
    check_web_address(url.get_secret_value())
    return url


class _Recipient(Frozen):
    # Not called `on`, which YAML 1.1 reads as true.
    when: Annotated[tuple[Notice, ...], AfterValidator(_each_once)] = Field(
        default=("job_ended", "device_offline"),
        min_length=1,
        max_length=len(NOTICES),
        description="Occasions of messages: " + "; ".join(f"`{name}`, {words}" for name, words in NOTICES.items()),
    )


class EmailRecipient(_Recipient):
    """An e-mail address. The server needs the settings of a mail server."""

    kind: Literal["email"] = "email"
    to: EmailAddress = Field(description="E-mail address.")

    @property
    def shown(self) -> str:
        """The recipient, without secrets."""
        return self.to


class ChatRecipient(_Recipient):
    """An incoming webhook that accepts `{"text": ...}`, as those of Slack, Mattermost, Rocket.Chat and hookshot do."""

    kind: Literal["chat"] = "chat"
    url: Annotated[SecretStr, AfterValidator(_secret_address)] = Field(
        max_length=2000, description="Address of the incoming webhook; never returned by the API."
    )

    @property
    def shown(self) -> str:
        """The host; the rest of the address is the secret."""
        return urlsplit(self.url.get_secret_value()).netloc


class MatrixRecipient(_Recipient):
    """A room of Matrix, by the API of its server. A message that is sent again does not appear twice."""

    kind: Literal["matrix"] = "matrix"
    server: WebAddress = Field(
        max_length=2000, description="Address of the server that the token is for, as in `https://matrix.example.org`."
    )
    room: Annotated[str, StringConstraints(pattern=_ROOM)] = Field(description="Id of the room, which begins with `!`.")
    token: SecretStr = Field(
        min_length=8,
        max_length=2000,
        description="Access token of a user who is in the room; never returned by the API.",
    )

    @property
    def shown(self) -> str:
        """The room and its server."""
        return f"{self.room} at {urlsplit(self.server).netloc}"


Recipient = Annotated[EmailRecipient | ChatRecipient | MatrixRecipient, Field(discriminator="kind")]


class Recipients(Frozen):
    """The recipients of a spec."""

    notify: Annotated[tuple[Recipient, ...], Field(min_length=1, max_length=MOST_RECIPIENTS)] = Field(
        description="Recipients, as in a spec."
    )


def in_full(recipient: EmailRecipient | ChatRecipient | MatrixRecipient) -> dict[str, object]:
    """Return a recipient as JSON data with its secrets, which `model_dump` hides."""
    secrets = {name: value.get_secret_value() for name, value in recipient if isinstance(value, SecretStr)}
    return recipient.model_dump(mode="json") | secrets
