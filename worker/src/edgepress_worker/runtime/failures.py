"""Puts an exception into the words and the code that a failed step is reported with."""

import errno
import os
import traceback
from collections.abc import Callable

from edgepress_common.errors import (
    BrokenPromiseError,
    ConversionError,
    DivergedError,
    EdgepressError,
    InvalidInputError,
    StepCancelledError,
    StepFailedError,
    UnavailableError,
    UnreadableDatasetError,
)
from edgepress_common.messages import StepFailure

# The first that fits: most particular first.
_KINDS: tuple[tuple[type[EdgepressError], str, bool], ...] = (
    (UnreadableDatasetError, "unreadable_dataset", False),
    (InvalidInputError, "invalid_input", False),
    (BrokenPromiseError, "broken_promise", False),
    (DivergedError, "diverged", False),
    (ConversionError, "conversion_failed", False),
    (StepCancelledError, "cancelled", False),
    (StepFailedError, "failed", False),
    (UnavailableError, "unavailable", True),
)


def describe(error: Exception, log: Callable[[], str]) -> StepFailure:
    """What to report of an exception: its kind as a code, its message, and whether trying again could help."""
    for kind, code, retryable in _KINDS:
        if isinstance(error, kind):
            return StepFailure(code=code, message=str(error), retryable=retryable, log=log())
    detail = "".join(traceback.format_exception(error))
    if _is_disk_full(error):
        where = getattr(error, "filename", None) or "an unnamed file"
        code, message = "disk_full", f"no space left on the worker's disk, at {where}"
    elif _is_out_of_memory(error):
        code, message = (
            "out_of_memory",
            "not enough memory: try a smaller batch_size or image_size",
        )
    else:
        code, message = "internal", f"{type(error).__name__}: {_first_line(error)}"
    return StepFailure(code=code, message=message, retryable=True, log=f"{log()}\n{detail}"[-_LOG_CHARACTERS:])


def describe_loss(how: str) -> StepFailure:
    """What to report of a step whose process has died in the middle of it, without a word.

    Args:
        how: As billiard has it: ``Worker exited prematurely: signal 9 (SIGKILL) Job: 3.``
    """
    return StepFailure(
        code="killed",
        message=f"the process that did it died ({how.removesuffix('.')}). If nobody stopped it, memory ran out most "
        "likely: try a smaller batch_size or image_size, or give the worker more memory",
        retryable=True,
        log=how,
    )


_LOG_CHARACTERS = 20_000  # the end of a log says what happened; all of it would burden every look at the step


def _is_disk_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOSPC
    # TensorFlow has one class for everything that runs out.
    return type(error).__name__ == "ResourceExhaustedError" and os.strerror(errno.ENOSPC) in str(error)


def _is_out_of_memory(error: Exception) -> bool:
    # TensorFlow's own class, told by its name: this module must not load TensorFlow to know it.
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:500]
