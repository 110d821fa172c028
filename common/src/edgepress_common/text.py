"""Text of users and machines, shown harmlessly: the one place that knows which characters a terminal obeys.

Names of jobs and boards, failure messages and paths come from other users and machines. A control character in them
could set the title of a terminal, move its cursor, write to its clipboard or hide text. Names with such characters are
refused at the edge; in messages, each is replaced by a visible sign.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

# C0 but for tab and line feed, DEL, C1, and the characters that reorder or hide text (Unicode's bidirectional controls,
# line and paragraph separators, invisible operators, annotations). Joiners are part of words in some scripts.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_PICTURES = 0x2400  # of the characters below 0x20, in the order of these
_FIRST_PRINTABLE = 0x20
_DELETE, _DELETE_PICTURE, _REPLACEMENT = 0x7F, "\u2421", "\ufffd"


def harmless(text: str) -> str:
    """Return a text with a visible sign for each character that a terminal obeys, as in ``␛[2J``."""
    return CONTROL.sub(_sign, text)


HarmlessText = Annotated[str, AfterValidator(harmless)]
"""Text in a message between machines: control characters are replaced when it is read."""


def _sign(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number < _FIRST_PRINTABLE:
        return chr(_PICTURES + number)
    return _DELETE_PICTURE if number == _DELETE else _REPLACEMENT
