"""Ctrl-C and SIGTERM, once and again."""

import os
import signal

import pytest

from edgepress_api.commands.signals import interrupting_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_and_a_second_does_not_disturb_the_ending(number: signal.Signals) -> None:
    """Cleanup is not interrupted by a second signal; afterwards signals have their previous effect."""
    before = signal.getsignal(number)
    cleaned_up = []

    def run() -> None:
        with interrupting_signals():
            try:
                os.kill(os.getpid(), number)
                pytest.fail("not interrupted")
            finally:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGTERM)
                cleaned_up.append(True)

    with pytest.raises(KeyboardInterrupt):
        run()

    assert cleaned_up
    assert signal.getsignal(number) is before
