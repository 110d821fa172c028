"""Who is told when a job ends."""

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
        raise ValueError(f"is no address: {error}; {_ACCEPTED}") from error
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise ValueError(f"has a character that an address can't have; {_ACCEPTED}, others percent-encoded")
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError(f"leads to no web server; {_ACCEPTED}")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError(f"says more than where to; {_ACCEPTED}")
    return url


class Webhook(Frozen):
    """A web server that is told when the job ends, with a signature that shows who tells it."""

    url: Annotated[str, AfterValidator(_web_address)] = Field(
        max_length=2000, description="Where the word is posted to, over http or https."
    )
    secret: SecretStr = Field(
        min_length=16,
        max_length=200,
        description="What the word is signed with, known to you and the server alone; never shown again. With `whsec_` "
        "before it, the rest is base64.",
    )
