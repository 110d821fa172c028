"""Being told to stop, by SIGTERM or SIGINT."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from edgepress_common.errors import StepCancelledError


class StopRequest:
    """Whether the process was told to stop; for its main thread, where signals arrive.

    A signal only sets a flag, which the measurement looks at between inferences. Waiting is another matter: a question
    for work may stand for a long time. Inside `interruptible` the signal breaks off whatever waits.

    A plain flag rather than a `threading.Event`: setting an event takes a lock, and the signal may come just while the
    main thread holds it.

    Attributes:
        requested: Whether it was.
    """

    def __init__(self) -> None:
        self.requested = False
        self._interruptible = False

    def install(self) -> None:
        """Takes over SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Lets a signal break off what goes on inside.

        Raises:
            StepCancelledError: It was told to stop, before or meanwhile.
        """
        outside = self._interruptible
        self._interruptible = True  # before the flag is looked at, so that no signal falls in between
        try:
            if self.requested:
                raise _cancelled()
            yield
        finally:
            self._interruptible = outside

    def wait(self, seconds: float) -> None:
        """Waits.

        Raises:
            StepCancelledError: It was told to stop, before or meanwhile.
        """
        with self.interruptible():
            time.sleep(seconds)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        already, self.requested = self.requested, True
        if self._interruptible and not already:  # once: cleaning up is not broken off in turn
            raise _cancelled()


def _cancelled() -> StepCancelledError:
    return StepCancelledError("the evaluator was told to stop")
