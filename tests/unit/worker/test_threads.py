"""The number of threads, which is part of what a training computes."""

import os
import subprocess
import sys

import pytest

from edgepress_worker.settings import WorkerSettings
from edgepress_worker.threads import thread_setting, threads_in_use

_TRAINING = """
import hashlib
import numpy as np
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.training import begin_repeatable
begin_repeatable(1)
random = np.random.default_rng(0)
layers = keras.layers
model = keras.Sequential([
    layers.Input((16, 16, 3)), layers.Conv2D(16, 3), layers.BatchNormalization(), layers.ReLU(),
    layers.GlobalAveragePooling2D(), layers.Dense(4),
])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
model.fit(random.random((128, 16, 16, 3), np.float32), random.integers(0, 4, 128), batch_size=32, verbose=0)
print(hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest())
"""


def test_the_setting_is_told_to_tensorflow() -> None:
    """The default is one thread for each processor that the process may use."""
    assert WorkerSettings().threads is None
    assert thread_setting(None) == {}
    assert threads_in_use({}) == len(os.sched_getaffinity(0))
    assert threads_in_use(thread_setting(3)) == 3


@pytest.mark.slow
def test_equal_threads_give_equal_bytes_on_one_processor_and_on_all() -> None:
    """A training on one processor, with the threads of two, gives what two give."""
    digests = {_trained([min(os.sched_getaffinity(0))]), _trained(sorted(os.sched_getaffinity(0)))}
    assert len(digests) == 1


def _trained(processors: list[int]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {processors})\n{_TRAINING}"],
        env=os.environ | thread_setting(2),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]
