"""Shows a job until it ends: as lines in a log or a pipe, or as a live display on a terminal."""

import time
from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from edgepress_client.cli.progress_view import changes, picture
from edgepress_common.answers.jobs import JobView
from edgepress_common.errors import UnavailableError


class Display(Protocol):
    """Display of a running job."""

    def show(self, job: JobView) -> None:
        """Show the current state of the job."""
        ...

    def show_absence(self, error: UnavailableError) -> None:
        """Show that the gateway does not answer."""
        ...


def show(views: Iterator[JobView], display: Display) -> JobView:
    """Show each state of a job, and return the last."""
    for view in views:
        display.show(view)
    return view


class Lines:
    """Prints a line for each change: for logs and pipes."""

    def __init__(self, console: Console, *, epochs: bool = True) -> None:
        self._console = console
        self._epochs = epochs
        self._last: JobView | None = None
        self._away = False

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def show(self, job: JobView) -> None:
        """See `Display.show`."""
        for line in changes(self._last, job, epochs=self._epochs):
            self._say(line)
        self._last, self._away = job, False

    def show_absence(self, error: UnavailableError) -> None:
        """See `Display.show_absence`. Prints once until the gateway answers again."""
        if not self._away:
            self._say(f"{error}; trying again")
        self._away = True

    def _say(self, line: str) -> None:
        self._console.print(Text(f"{datetime.now().astimezone():%H:%M:%S %Z}  {line}"), soft_wrap=True)


class Picture:
    """Live display on a terminal. Steps that start and end are printed above it as lines."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, transient=True, refresh_per_second=4)
        self._lines = Lines(console, epochs=False)
        self._began = time.monotonic()
        self._first_progress: float | None = None

    def __enter__(self) -> Self:
        """Start the live display."""
        self._live.start()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the live display."""
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
    """Return a display for the console: live on a terminal, otherwise lines."""
    return Picture(console) if console.is_terminal else Lines(console)
