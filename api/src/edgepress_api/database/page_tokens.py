"""Tokens of pages: where a page ended, bound to its listing. A listing with other filters rejects the token."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import TypeVar

from edgepress_common.errors import FieldProblem, InvalidQueryError

Position = TypeVar("Position")

_DIGEST_CHARACTERS = 8


def write_page_token(position: str, **listing: object) -> str:
    """Return the token of a page.

    Args:
        position: Where the page ended.
        listing: The resource and all filters.
    """
    return base64.urlsafe_b64encode(f"{_digest(listing)} {position}".encode()).decode()


def read_page_token(token: str, parse: Callable[[str], Position], **listing: object) -> Position:
    """Return where the page of a token ended.

    Args:
        token: The token.
        parse: Parses the position; raises `ValueError` if it is not valid.
        listing: The resource and all filters.

    Raises:
        InvalidQueryError: It is not a token of this listing.
    """
    try:
        digest, _, position = base64.b64decode(token, altchars=b"-_", validate=True).decode().partition(" ")
        if digest == _digest(listing):
            return parse(position)
    except (ValueError, OverflowError):
        pass  # as for a token of another listing
    raise InvalidQueryError(
        [
            FieldProblem(
                field="page_token",
                value=token,
                message="is not a page token of this listing",
                accepted="the next_page_token of a page with the same filters",
            )
        ]
    )


def _digest(listing: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(listing, sort_keys=True).encode()).hexdigest()[:_DIGEST_CHARACTERS]
