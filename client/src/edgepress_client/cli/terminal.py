"""Consoles that show untrusted text harmlessly: a `SafeConsole` replaces what a terminal obeys in all that it prints.

Also in a pipe: the file that it is redirected to may be shown later. See `edgepress_common.text`.
"""

import json
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from edgepress_common.text import CONTROL, harmless

_PIPE_WIDTH = 120


def harmless_json(value: object, *, indent: int | None = 2) -> str:
    """Return a value as JSON. Control characters are escaped, so the value stays the same."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class SafeConsole(Console):
    """A console whose content can't control the terminal. Rich's own styles can: they are not content."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See `Console.render`."""
        for segment in super().render(renderable, options):
            if segment.control or not CONTROL.search(segment.text):
                yield segment
            else:
                yield Segment(harmless(segment.text), segment.style)


def open_console(file: TextIO, *, width: int | None = None) -> SafeConsole:
    """Return a console that writes text literally: brackets and colons in names are not markup.

    Args:
        file: The output.
        width: Columns; by default those of the terminal, or enough for the widest table.
    """
    width = width or (None if file.isatty() else _PIPE_WIDTH)
    return SafeConsole(file=file, width=width, markup=False, emoji=False, highlight=False)
