"""The findings of checks."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """A result of a check, as a sentence.

    Attributes:
        level: ``ok``; ``warning``, with which the board can join; or ``problem``, with which it can't.
        text: What was found; of a problem also what to do.
    """

    level: Literal["ok", "warning", "problem"]
    text: str
