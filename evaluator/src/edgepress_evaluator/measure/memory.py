"""How much resident memory it takes to load a model and run it.

Found by a process that does nothing else: ``python -m edgepress_evaluator.measure.memory MODEL THREADS`` prints it.

1. The runtime is imported. What is resident then is the baseline: it is the same for every model.
2. The kernel's record of the most that was ever resident is reset to that.
3. The model is loaded and run a few times. The record, less the baseline, is the result.

The record is ``VmHWM`` of Linux's ``/proc/self/status`` (proc(5)). The better known ``ru_maxrss`` won't do: it is
handed on when a process starts another, so the child would begin with all that the evaluator itself ever held.
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
_INFERENCES = 3  # the first fills what the runtime sets up lazily; the others show that it stays so


def peak_memory_bytes(python: Sequence[str], model_path: Path, threads: int, should_stop: ShouldStop) -> int:
    """Resident memory that loading and running the model adds, in a process of its own.

    Args:
        python: Command that starts Python.
        model_path: The file.
        threads: Threads of the interpreter.
        should_stop: Is asked several times a second.

    Raises:
        StepFailedError: The process failed.
        StepCancelledError: It was told to stop.
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
