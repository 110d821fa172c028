"""What Ctrl-C and SIGTERM do to a command that keeps processes running."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupting_signals() -> Iterator[None]:
    """Makes SIGTERM end the block as Ctrl-C does, by `KeyboardInterrupt`; what comes while it ends changes nothing."""

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
