"""The address of a web server that a user names as a receiver."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

_ACCEPTED = "accepted: http:// or https:// with a host, without a user or a fragment"


def check_web_address(url: str) -> str:
    """Return the address.

    Raises:
        ValueError: It is not one that requests can be sent to.
    """
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


WebAddress = Annotated[str, AfterValidator(check_web_address)]
