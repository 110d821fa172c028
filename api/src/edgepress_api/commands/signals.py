"""Handling of Ctrl-C and SIGTERM in a command that keeps processes running."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupting_signals() -> Iterator[None]:
    """Make SIGTERM end the block like Ctrl-C, by `KeyboardInterrupt`. Further signals are ignored while it ends."""

    def interrupt(*_: object) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
