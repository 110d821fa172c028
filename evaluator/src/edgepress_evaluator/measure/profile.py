"""What each kind of operator costs in an inference.

The Python interpreter has no profiler, but the runtime has: the shared library in LiteRT's own package exports one in
its C interface. `edgepress_evaluator.measure.runtime_profiler` drives it, in a process of its own: a C interface that
is called wrongly doesn't raise, it crashes, and a profile is not worth a lost evaluation.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from edgepress_common.errors import StepCancelledError, StepFailedError
from edgepress_common.results import OperatorTime
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.measure.child import run_module

_PROFILER = "edgepress_evaluator.measure.runtime_profiler"
_RUNS = 10  # in the mean of ten, a cost of a tenth of a microsecond still shows

_log = logging.getLogger(__name__)


def operator_times(
    python: Sequence[str], model_path: Path, threads: int, should_stop: ShouldStop
) -> tuple[OperatorTime, ...] | None:
    """Profiles a few inferences on a black image, apart from those that are timed: a profiler takes time as well.

    Operators that a delegate took over go by the delegate's names, which tell the kernel: ``Convolution (NHWC, QC8)
    IGEMM`` is XNNPACK's, ``CONV_2D`` the runtime's own. Each call is counted in whole microseconds, rounded down, so
    the cheapest may show as 0.

    Args:
        python: Command that starts Python.
        model_path: The file.
        threads: Threads of the interpreter.
        should_stop: Is asked several times a second.

    Returns:
        The costliest first; None where the runtime gives no profile.

    Raises:
        StepCancelledError: It was told to stop.
    """
    try:
        output = run_module(python, _PROFILER, [str(model_path), str(threads), str(_RUNS)], should_stop)
        times = TypeAdapter(tuple[OperatorTime, ...]).validate_json(output)
    except StepCancelledError:
        raise
    except (StepFailedError, ValidationError) as error:
        _log.warning("no profile of %s: %s", model_path.name, error)
        return None
    return tuple(sorted(times, key=lambda time: time.mean_ms, reverse=True)) or None
