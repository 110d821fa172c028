"""Stop requests by SIGTERM or SIGINT."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from edgepress_common.errors import StepCancelledError


class StopRequest:
    """A stop request of the process. Use it in the main thread, which receives signals.

    Usually, a signal only sets a flag that the measurement checks between inferences. Inside `interruptible`, a signal
    also interrupts blocking calls, such as a lease request with a long wait.

    The flag is a plain attribute instead of a `threading.Event`, because setting an event takes a lock, which the main
    thread may have taken when the signal arrives.

    Attributes:
        requested: Whether the process was asked to stop.
    """

    def __init__(self) -> None:
        self.requested = False
        self._interruptible = False

    def install(self) -> None:
        """Install the handlers of SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Allow a signal to interrupt the ``with`` block.

        Raises:
            StepCancelledError: The process was asked to stop, before or inside the block.
        """
        outside = self._interruptible
        self._interruptible = True  # before the flag is checked, so that no signal is missed
        try:
            if self.requested:
                raise _cancelled()
            yield
        finally:
            self._interruptible = outside

    def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            StepCancelledError: The process was asked to stop, before or while waiting.
        """
        with self.interruptible():
            time.sleep(seconds)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        already, self.requested = self.requested, True
        if self._interruptible and not already:  # only once, so that a second signal does not interrupt the clean-up
            raise _cancelled()


def _cancelled() -> StepCancelledError:
    return StepCancelledError("the evaluator was told to stop")
