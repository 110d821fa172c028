"""Resident memory that loading and running a model needs.

A separate process measures it: ``python -m edgepress_evaluator.measure.memory MODEL THREADS`` prints the result.

1. The runtime is imported. The resident memory at this point is the baseline, which is the same for every model.
2. The kernel's record of the peak resident memory is reset to the current value.
3. The model is loaded and run a few times. The result is the new peak minus the baseline.

The peak is ``VmHWM`` in Linux's ``/proc/self/status`` (proc(5)). The better known ``ru_maxrss`` is not suitable,
because a child process inherits it: the child would start with the evaluator's own peak.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.measure.child import run_module
from edgepress_evaluator.measure.interpreter import Classifier

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5), since Linux 4.0
_INFERENCES = 3  # the first one allocates lazily; the others confirm that memory stays constant


def peak_memory_bytes(python: Sequence[str], model_path: Path, threads: int, should_stop: ShouldStop) -> int:
    """Return the resident memory in bytes that loading and running the model adds, measured in a separate process.

    Args:
        python: Command that starts Python.
        model_path: The .tflite file.
        threads: Number of interpreter threads.
        should_stop: Called several times a second; if it returns true, the process is killed.

    Raises:
        StepFailedError: The process failed.
        StepCancelledError: The measurement was stopped.
    """
    return int(run_module(python, __name__, [str(model_path), str(threads)], should_stop))


def _measure(model_path: Path, threads: int) -> int:
    baseline = _status_bytes("VmRSS")
    _CLEAR_REFS.write_text(_RESET_PEAK)
    classifier = Classifier(model_path, threads)
    image = classifier.prepare(np.zeros((1, *classifier.image_shape), np.uint8))[0]
    for _ in range(_INFERENCES):
        classifier.classify(image)
    return max(0, _status_bytes("VmHWM") - baseline)


def _status_bytes(name: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1]) * 1024


if __name__ == "__main__":
    print(_measure(Path(sys.argv[1]), int(sys.argv[2])))  # noqa: T201 - the parent reads it
