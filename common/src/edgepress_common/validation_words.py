"""Messages of pydantic without the words that only its users know."""

import re

from pydantic_core import ErrorDetails

from edgepress_common.pattern_words import pattern_in_words

_LIBRARY_WORDS = re.compile(r"^(?:(?:Value|Assertion) error, |(?:Input|String|Tuple|List|Dictionary|Value) )")
_KINDS = {"int": "an integer", "float": "a number", "bool": "true or false", "string": "text"}
_KIND_OF_ERROR = re.compile(r"(int|float|bool|string)_(?:type|parsing|parsing_size|from_float)")


def in_words(error: ErrorDetails) -> tuple[str, str | None]:
    """Return what is wrong, and what is accepted if the message says it.

    Our own validators write ``problem; accepted: values``; pydantic writes ``Input should be values``.
    """
    if kind := _KIND_OF_ERROR.fullmatch(error["type"]):
        return f"should be {_KINDS[kind[1]]}", None
    if error["type"] == "missing":
        return "is required", None
    if error["type"] == "string_pattern_mismatch":
        return "has the wrong form", pattern_in_words(error["ctx"]["pattern"])
    message, _, accepted = _LIBRARY_WORDS.sub("", error["msg"]).partition("; accepted: ")
    return message, accepted or None
