"""Files that an attempt at a step saves for the next attempt, and their deletion.

Each step has a folder that its attempts share. When a step is done, its answer replaces all files in the folder: Redis
may lose the event that reports it, or the worker may be killed before it sends the event. The scheduler then assigns
the step again, and the worker only has to send the saved answer. Answers are deleted after an hour. Other folders are
deleted when they have not been touched for two weeks, because their step failed or is no longer needed.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgepress_common.steps import StepKey
from edgepress_worker.runtime.returned import ReturnedSteps

# Long enough to notice a lost event: after a lease, and when Redis and the scheduler are available again.
_ANSWERED_SECONDS = 3600.0
_UNTOUCHED_SECONDS = 14 * 24 * 3600.0

_STEP = re.compile(r"[0-9a-f]{64}")
_ANSWER = "answer.json"


@dataclass(frozen=True)
class Scratch:
    """The folders of all steps. Several workers may share them.

    Attributes:
        folder: Parent folder of the steps' folders.
    """

    folder: Path

    @property
    def returned(self) -> ReturnedSteps:
        """Steps that were running when their workers were stopped."""
        return ReturnedSteps(self.folder / "returned")

    def of(self, step: StepKey) -> Path:
        """Return the folder of a step, which may not exist."""
        return self.folder / step

    def end(self, step: StepKey, answer: str) -> None:
        """Save the answer of a step that is done, and delete its other files."""
        place = self.of(step)
        place.mkdir(parents=True, exist_ok=True)
        written = place / f"{_ANSWER}.incoming"
        written.write_text(answer, "utf-8")
        written.replace(place / _ANSWER)  # atomic: the answer is complete or missing
        for path in place.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _ANSWER:
                path.unlink(missing_ok=True)

    def answer(self, step: StepKey) -> str | None:
        """Return the saved answer of a step; None if no answer is saved."""
        try:
            return (self.of(step) / _ANSWER).read_text("utf-8")
        except FileNotFoundError:
            return None

    def forget(self, step: StepKey) -> None:
        """Delete the folder of a step."""
        shutil.rmtree(self.of(step), ignore_errors=True)

    def clear(self, now: float) -> None:
        """Delete the folders that have not been touched for too long.

        Args:
            now: Current time, in seconds since the epoch, as returned by `time.time`.
        """
        for place in self.folder.glob("*"):
            if _STEP.fullmatch(place.name) and _is_over(place, now):
                shutil.rmtree(place, ignore_errors=True)


def _is_over(place: Path, now: float) -> bool:
    touched_at = max(_times(place), default=now)
    return now - touched_at > (_ANSWERED_SECONDS if (place / _ANSWER).exists() else _UNTOUCHED_SECONDS)


def _times(place: Path) -> Iterator[float]:
    """Return the modification times of a folder and its contents, without files that are deleted in the meantime."""
    for path in (place, *place.rglob("*")):
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime
