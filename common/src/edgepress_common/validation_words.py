"""Messages of pydantic without the words that only its users know."""

import re

from pydantic_core import ErrorDetails

_LIBRARY_WORDS = re.compile(r"^(?:(?:Value|Assertion) error, |Input )")


def in_words(error: ErrorDetails) -> tuple[str, str | None]:
    """Return what is wrong, and what is accepted if the message says it.

    Our own validators write ``problem; accepted: values``; pydantic writes ``Input should be values``.
    """
    message, _, accepted = _LIBRARY_WORDS.sub("", error["msg"]).partition("; accepted: ")
    return message, accepted or None
