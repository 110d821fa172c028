"""The webhook that is called when a job ends."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from edgepress_common.frozen import Frozen

_ACCEPTED = "accepted: http:// or https:// with a host, without a user or a fragment"
_HIGHEST_PORT = 65535


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is not a valid URL: {error}; {_ACCEPTED}") from error
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise ValueError(f"has a character that is not allowed in a URL; {_ACCEPTED}, others percent-encoded")
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError(f"is not the URL of a web server; {_ACCEPTED}")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError(f"has a user or a fragment; {_ACCEPTED}")
    return url


class Webhook(Frozen):
    """A web server to notify when the job ends. Deliveries are signed, so that the receiver can verify the sender."""

    url: Annotated[str, AfterValidator(_web_address)] = Field(
        max_length=2000, description="URL that deliveries are posted to, http or https."
    )
    secret: SecretStr = Field(
        min_length=16,
        max_length=200,
        description="Secret that deliveries are signed with; never returned by the API. After the prefix `whsec_`, the "
        "secret is base64.",
    )
