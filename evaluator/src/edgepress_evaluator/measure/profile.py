"""The time of each kind of operator in an inference.

The Python interpreter of LiteRT has no profiler, but the shared library in its package exports one in the C interface.
`edgepress_evaluator.measure.runtime_profiler` uses it in a separate process, because an incorrect call of a C interface
crashes the process, and a failed profile must not fail the evaluation.
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
_RUNS = 100  # an inference that another program interrupts then hardly counts: see `runtime_profiler`

_log = logging.getLogger(__name__)


def operator_times(
    python: Sequence[str], model_path: Path, threads: int, should_stop: ShouldStop
) -> tuple[OperatorTime, ...] | None:
    """Profile inferences on a black image. They are separate from the timed ones, because profiling takes time.

    Operators that a delegate runs have the delegate's names, which identify the kernel: ``Convolution (NHWC, QC8)
    IGEMM`` is XNNPACK's, ``CONV_2D`` the runtime's own. Each call is counted in whole microseconds, rounded down, so
    the fastest operators may show as 0.

    Args:
        python: Command that starts Python.
        model_path: The .tflite file.
        threads: Number of interpreter threads.
        should_stop: Called several times a second; if it returns true, the process is killed.

    Returns:
        The operators, slowest first; None if the runtime provides no profile.

    Raises:
        StepCancelledError: The measurement was stopped.
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
