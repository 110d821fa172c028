"""Being told to stop by a signal."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_evaluator.stop import StopRequest

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    """Takes over the signals for the time of a test."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    stop = StopRequest()
    stop.install()
    yield stop
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _signal_me(number: signal.Signals = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_sets_the_flag(stop: StopRequest, number: signal.Signals) -> None:
    """It has no other effect while no thread waits."""
    assert not stop.requested

    _signal_me(number)

    assert stop.requested


def test_signal_breaks_off_what_waits(stop: StopRequest) -> None:
    """A wait of minutes ends at once."""
    began = time.monotonic()
    signal.signal(signal.SIGALRM, lambda *_: _signal_me())
    signal.setitimer(signal.ITIMER_REAL, 0.05)

    with pytest.raises(StepCancelledError):
        stop.wait(120)

    assert time.monotonic() - began < 10


def test_nothing_waits_after_the_signal(stop: StopRequest) -> None:
    """A wait that begins later ends at once."""
    _signal_me()

    with pytest.raises(StepCancelledError):
        stop.wait(120)


def test_second_signal_does_not_interrupt_cleanup(stop: StopRequest) -> None:
    """Only the first signal interrupts."""
    steps = []

    def interrupted() -> None:
        with stop.interruptible():
            try:
                _signal_me()
                steps.append("not interrupted")
            finally:
                _signal_me()
                steps.append("cleaned up")

    with pytest.raises(StepCancelledError):
        interrupted()
    assert steps == ["cleaned up"]


def test_inner_wait_leaves_the_outer_interruptible(stop: StopRequest) -> None:
    """A pause inside a download does not shield the rest of it."""

    def interrupted() -> None:
        with stop.interruptible():
            stop.wait(0)
            _signal_me()
            pytest.fail("the signal was let pass")

    with pytest.raises(StepCancelledError):
        interrupted()
