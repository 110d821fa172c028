"""A sign of life that a health check can look at: a file whose time says when all was last well.

Who works gives the sign where work is done (a scheduler's round, a device's question that was answered), not in a
thread of its own, so a process that hangs gives none. ``python -m edgepress_common.alive SECONDS`` is the other side:
it ends with 0 if the file that ``EDGEPRESS_ALIVE_FILE`` names is no older, else with 1 and a sentence.
"""

import sys
import time
from pathlib import Path

from edgepress_common.settings import BaseEdgepressSettings


class SignOfLife:
    """Gives signs of life.

    Args:
        file: What to touch; None if nobody looks.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def give(self) -> None:
        """All is well at this moment."""
        if self._file is not None:
            self._file.touch()


def complaint(file: Path | None, limit_seconds: float) -> str | None:
    """What is wrong with the last sign of life; None if it is no older than that."""
    if file is None:
        return "EDGEPRESS_ALIVE_FILE is not set; accepted: the file that the process was told to touch"
    try:
        age_seconds = time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return f"no sign of life yet: {file} is not there"
    if age_seconds > limit_seconds:
        return f"the last sign of life is {age_seconds:.0f} s old; accepted: up to {limit_seconds:g} s"
    return None


def main(arguments: list[str]) -> str | None:
    """Gives what `sys.exit` takes."""
    try:
        (limit_seconds,) = map(float, arguments)
    except ValueError:
        return f"{' '.join(arguments)!r} is no age; accepted: one number of seconds"
    return complaint(BaseEdgepressSettings().alive_file, limit_seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
