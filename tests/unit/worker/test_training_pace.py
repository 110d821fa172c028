"""How compiling is told apart from training."""

import time

from edgepress_worker.training.pace import Pace


def test_the_first_step_compiles_for_what_it_takes_longer() -> None:
    """Compared with the median of the others, so that one slow step changes nothing."""
    pace = Pace()
    pace.on_epoch_begin(0)
    for seconds in (0.2, 0.01, 0.01, 0.1, 0.01):
        time.sleep(seconds)
        pace.on_train_batch_end(0)
    assert 0.15 < pace.compile_seconds() < 0.3


def test_a_single_step_does_not_tell() -> None:
    """There is nothing to compare it with."""
    pace = Pace()
    assert pace.compile_seconds() == 0
    pace.on_epoch_begin(0)
    pace.on_train_batch_end(0)
    assert pace.compile_seconds() == 0
