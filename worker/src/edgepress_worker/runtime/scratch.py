"""What attempts at steps save for the next attempt, until nobody needs it.

Each step has a folder, which its attempts share. When a step is done, its answer takes the place of all that was saved:
Redis may lose the word that it is done, or the worker be killed before it could say so, and then the step is given out
again and has only to be answered again. Answers stay for an hour. What nobody has touched for two weeks, for its step
failed or nobody wants it any more, goes as well.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgepress_common.steps import StepKey

# By then a lost word has been noticed: after a lease, and once Redis and the scheduler are back.
_ANSWERED_SECONDS = 3600.0
_UNTOUCHED_SECONDS = 14 * 24 * 3600.0

_STEP = re.compile(r"[0-9a-f]{64}")
_ANSWER = "answer.json"


@dataclass(frozen=True)
class Scratch:
    """The folders of all steps. Several workers may share them.

    Attributes:
        folder: Where they are.
    """

    folder: Path

    def of(self, step: StepKey) -> Path:
        """The folder of a step; it need not be there."""
        return self.folder / step

    def end(self, step: StepKey, answer: str) -> None:
        """The step is done: keeps its answer, and nothing else."""
        place = self.of(step)
        place.mkdir(parents=True, exist_ok=True)
        written = place / f"{_ANSWER}.incoming"
        written.write_text(answer, "utf-8")
        written.replace(place / _ANSWER)  # whole, or not there
        for path in place.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _ANSWER:
                path.unlink(missing_ok=True)

    def answer(self, step: StepKey) -> str | None:
        """What was answered for the step, if it was done lately."""
        try:
            return (self.of(step) / _ANSWER).read_text("utf-8")
        except FileNotFoundError:
            return None

    def forget(self, step: StepKey) -> None:
        """Removes all of a step."""
        shutil.rmtree(self.of(step), ignore_errors=True)

    def clear(self, now: float) -> None:
        """Removes what nobody needs.

        Args:
            now: In seconds, as `time.time` gives it.
        """
        for place in self.folder.glob("*"):
            if _STEP.fullmatch(place.name) and _is_over(place, now):
                shutil.rmtree(place, ignore_errors=True)


def _is_over(place: Path, now: float) -> bool:
    touched_at = max(_times(place), default=now)
    return now - touched_at > (_ANSWERED_SECONDS if (place / _ANSWER).exists() else _UNTOUCHED_SECONDS)


def _times(place: Path) -> Iterator[float]:
    """When what is in a folder was last touched; of what goes meanwhile, nothing."""
    for path in (place, *place.rglob("*")):
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime
