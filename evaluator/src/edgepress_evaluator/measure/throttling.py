"""Throttling of a Raspberry Pi's processor.

The firmware reports flags: the lower bits are the current conditions, the same bits shifted by 16 are the conditions
since the start or since the flags were last cleared
(https://www.raspberrypi.com/documentation/computers/os.html, under ``get_throttled``). Other boards report nothing
similar.
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
_SYSFS = "sys/devices/platform/soc/soc:firmware/get_throttled"  # also available in a container, unlike vcgencmd
_CONDITIONS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
_SO_FAR = 16  # shift of the bits for past conditions
_TIMEOUT_SECONDS = 5

_log = logging.getLogger(__name__)


def read_flags(root: Path = _ROOT) -> int | None:
    """Return the flags; None on a board without them.

    Args:
        root: Folder that contains ``sys``. With the real root, ``vcgencmd`` is tried as well.
    """
    try:
        return int((root / _SYSFS).read_text(), 16)
    except (OSError, ValueError):
        return _ask_vcgencmd() if root == _ROOT else None


def repeated_if_throttled(
    measure: Callable[[], Measured], read: Callable[[], int | None], *, on_repeat: Callable[[], None]
) -> tuple[Measured, Conditions | None]:
    """Measure, and measure once more if the processor was throttled.

    Args:
        measure: Function that measures.
        read: Function that returns the flags, or None if they are not available.
        on_repeat: Function that is called before the second measurement.

    Returns:
        The last measurement, and the throttling conditions during it; None if the flags are not available.
    """
    measured, conditions = _watched(measure, read)
    if conditions:
        _log.warning("the processor was throttled (%s): measuring again", ", ".join(conditions))
        on_repeat()
        measured, conditions = _watched(measure, read)
    return measured, conditions


def conditions_between(before: int | None, after: int | None) -> Conditions | None:
    """Return the names of the throttling conditions between two readings; None if the flags are not available.

    A condition counts if it is current at either reading, or if its flag for the past was set between them.
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
        answer = subprocess.run(  # noqa: S603 - shutil.which has just found the program
            [program, "get_throttled"], capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True
        ).stdout
        return int(answer.strip().removeprefix("throttled="), 16)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
