"""What held a Raspberry Pi's processor back.

Its firmware keeps a word of flags: the low ones say what is so now, the same ones 16 places up what has been so since
it was started or since somebody last cleared them (https://www.raspberrypi.com/documentation/computers/os.html, under
``get_throttled``). Other boards tell nothing of the kind.
"""

import logging
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Conditions = tuple[str, ...]
Measured = TypeVar("Measured")

_ROOT = Path("/")
_SYSFS = "sys/devices/platform/soc/soc:firmware/get_throttled"  # reaches into a container, where vcgencmd doesn't
_CONDITIONS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
_SO_FAR = 16  # places up: has been so
_TIMEOUT_SECONDS = 5

_log = logging.getLogger(__name__)


def read_flags(root: Path = _ROOT) -> int | None:
    """The word of flags; None on a board that has none.

    Args:
        root: Where ``/sys`` is found; on the real root, ``vcgencmd`` is asked as well.
    """
    try:
        return int((root / _SYSFS).read_text(), 16)
    except (OSError, ValueError):
        return _ask_vcgencmd() if root == _ROOT else None


def repeated_if_throttled(
    measure: Callable[[], Measured], read: Callable[[], int | None], *, on_repeat: Callable[[], None]
) -> tuple[Measured, Conditions | None]:
    """Measures, and once more if the processor was held back meanwhile.

    Args:
        measure: Measures.
        read: Gives the word of flags, or None if nobody tells.
        on_repeat: Is called before the second time.

    Returns:
        The last measurement, and what held the processor back during it; None if nobody tells.
    """
    measured, conditions = _watched(measure, read)
    if conditions:
        _log.warning("the processor was held back (%s): measuring again", ", ".join(conditions))
        on_repeat()
        measured, conditions = _watched(measure, read)
    return measured, conditions


def conditions_between(before: int | None, after: int | None) -> Conditions | None:
    """What held the processor back between two readings, in words; None if nobody tells.

    What is so at either reading counts, and what has been so in between: a flag of the past that wasn't up before.
    """
    if before is None or after is None:
        return None
    new_since = (after & ~before) >> _SO_FAR
    flags = before | after | new_since
    return tuple(words for bit, words in _CONDITIONS.items() if flags >> bit & 1)


def _watched(measure: Callable[[], Measured], read: Callable[[], int | None]) -> tuple[Measured, Conditions | None]:
    before = read()
    measured = measure()
    return measured, conditions_between(before, read())


def _ask_vcgencmd() -> int | None:
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - the program was looked up just now
            [program, "get_throttled"], capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True
        ).stdout
        return int(answer.strip().removeprefix("throttled="), 16)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
