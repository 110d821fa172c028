"""Follows a job to its end.

By asking for the job twice a second, rather than by its stream of events: one answer is the whole state, so nothing has
to be caught up with after the gateway was away, and the gateway answers in milliseconds.
"""

import time
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from edgepress_api.cli.progress_view import changes, has_ended, picture
from edgepress_api.jobs.views import JobView
from edgepress_common.errors import UnavailableError

_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 300.0  # a gateway that is updated or rebooted is back by then


class Display(Protocol):
    """Shows a job while it is under way."""

    def show(self, job: JobView) -> None:
        """Shows the job as it is now."""
        ...

    def show_absence(self, error: UnavailableError) -> None:
        """Says that the gateway does not answer at the moment."""
        ...


def follow(
    look: Callable[[], JobView],
    display: Display,
    *,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> JobView:
    """Shows a job until it has ended.

    Args:
        look: Asks for the job.
        display: Where to show it.
        clock: Seconds that only go up.
        wait: Lets so many seconds pass.

    Returns:
        The job as it ended.

    Raises:
        UnavailableError: The gateway did not answer the first time, or later for five minutes.
    """
    job = look()
    seen_at = clock()
    display.show(job)
    while not has_ended(job):
        wait(_LOOK_SECONDS)
        try:
            job = look()
        except UnavailableError as error:
            if clock() - seen_at > _PATIENCE_SECONDS:
                raise
            display.show_absence(error)
        else:
            seen_at = clock()
            display.show(job)
    return job


class Lines:
    """A line for whatever is new: for logs and pipes."""

    def __init__(self, console: Console, *, epochs: bool = True) -> None:
        self._console = console
        self._epochs = epochs
        self._last: JobView | None = None
        self._away = False

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clear away."""

    def show(self, job: JobView) -> None:
        """See `Display.show`."""
        for line in changes(self._last, job, epochs=self._epochs):
            self._say(line)
        self._last, self._away = job, False

    def show_absence(self, error: UnavailableError) -> None:
        """See `Display.show_absence`. Said once."""
        if not self._away:
            self._say(f"{error}; trying again")
        self._away = True

    def _say(self, line: str) -> None:
        self._console.print(Text(f"{datetime.now().astimezone():%H:%M:%S}  {line}"), soft_wrap=True)


class Picture:
    """A picture that is redrawn in place: for a terminal. What begins and ends stays above it as lines."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, transient=True, refresh_per_second=4)
        self._lines = Lines(console, epochs=False)
        self._began = time.monotonic()
        self._first_progress: float | None = None

    def __enter__(self) -> Self:
        """Begins to draw."""
        self._live.start()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Clears the picture away."""
        self._live.stop()

    def show(self, job: JobView) -> None:
        """See `Display.show`."""
        if self._first_progress is None:
            self._first_progress = job.progress
        self._lines.show(job)
        elapsed_seconds = time.monotonic() - self._began
        self._live.update(picture(job, elapsed_seconds=elapsed_seconds, first_progress=self._first_progress))

    def show_absence(self, error: UnavailableError) -> None:
        """See `Display.show_absence`."""
        self._lines.show_absence(error)


def display_for(console: Console) -> Lines | Picture:
    """What suits the console."""
    return Picture(console) if console.is_terminal else Lines(console)
