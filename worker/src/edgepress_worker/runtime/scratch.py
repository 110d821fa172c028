"""What attempts at steps save for the next attempt, until nobody needs it.

Each step has a folder, which its attempts share. What a step that is done has saved stays for an hour: Redis may lose
the word that it is done, and then the step is given out again, and has only to put together what was trained. What
nobody has touched for two weeks, for its step failed or nobody wants it any more, goes as well.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgepress_common.steps import StepKey

# By then a lost word has been noticed: after a lease, and once Redis and the scheduler are back.
_DONE_SECONDS = 3600.0
_UNTOUCHED_SECONDS = 14 * 24 * 3600.0

_STEP = re.compile(r"[0-9a-f]{64}")
_DONE = "done"


@dataclass(frozen=True)
class Scratch:
    """The folders of all steps. Several workers may share them.

    Attributes:
        folder: Where they are.
    """

    folder: Path

    def begin(self, step: StepKey) -> Path:
        """The folder of a step that an attempt begins on; it need not be there."""
        place = self.folder / step
        (place / _DONE).unlink(missing_ok=True)
        return place

    def end(self, step: StepKey) -> None:
        """The step is done, and that has been said."""
        place = self.folder / step
        if place.exists():
            (place / _DONE).touch()

    def clear(self, now: float) -> None:
        """Removes what nobody needs.

        Args:
            now: In seconds, as `time.time` gives it.
        """
        for place in self.folder.glob("*"):
            if _STEP.fullmatch(place.name) and self._is_over(place, now):
                shutil.rmtree(place, ignore_errors=True)

    def _is_over(self, place: Path, now: float) -> bool:
        is_done = (place / _DONE).exists()
        touched_at = max(_times(place), default=now)
        return now - touched_at > (_DONE_SECONDS if is_done else _UNTOUCHED_SECONDS)


def _times(place: Path) -> Iterator[float]:
    """When what is in a folder was last touched; of what goes meanwhile, nothing."""
    for path in (place, *place.rglob("*")):
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime
