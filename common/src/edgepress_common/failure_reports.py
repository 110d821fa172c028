"""Conversion of an exception to the failure that a worker or an evaluator reports."""

import errno
import os
import re
import traceback
from pathlib import Path

from edgepress_common.artifacts.reference import CorruptArtifactError, MissingArtifactError
from edgepress_common.errors import (
    BrokenPromiseError,
    ConversionError,
    DivergedError,
    EdgepressError,
    InvalidInputError,
    LeaseLostError,
    ProcessCrashedError,
    StepCancelledError,
    StepFailedError,
    UnavailableError,
    UnreadableDatasetError,
)
from edgepress_common.failures import FAILURES, FailureCode
from edgepress_common.messages import StepFailure

# The first match counts: a subclass comes before its base.
_CODES: tuple[tuple[type[EdgepressError], FailureCode], ...] = (
    (UnreadableDatasetError, "unreadable_dataset"),
    (InvalidInputError, "invalid_input"),
    (BrokenPromiseError, "broken_promise"),
    (DivergedError, "diverged"),
    (ConversionError, "conversion_failed"),
    (ProcessCrashedError, "crashed"),
    (StepCancelledError, "cancelled"),
    (LeaseLostError, "cancelled"),
    (StepFailedError, "failed"),
    (MissingArtifactError, "artifact_missing"),
    (CorruptArtifactError, "artifact_corrupt"),
    (UnavailableError, "unavailable"),
)

_LOG_CHARACTERS = 20_000  # only the end of a log, which explains the failure: it is sent with every view of the step


_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_SHORT_WRITE = re.compile(r"^\d+ requested and \d+ written$")  # numpy
_NAMED_BY_TENSORFLOW = re.compile(rf"(/[^;]+); {re.escape(os.strerror(errno.ENOSPC))}")


def failure_of(error: Exception, log: str = "") -> StepFailure:
    """Return the failure to report for an exception.

    Args:
        error: Exception that the step's work raised.
        log: Log output of the step. The traceback of an unexpected error is appended to it.
    """
    for kind, code in _CODES:
        if isinstance(error, kind):
            return StepFailure.of(code, str(error) or kind.__name__, log=log, artifact=getattr(error, "sha256", None))
    code, message = _unexpected(error)
    detail = "".join(traceback.format_exception(error))
    return StepFailure.of(code, message, log=f"{log}\n{detail}"[-_LOG_CHARACTERS:])


def _unexpected(error: Exception) -> tuple[FailureCode, str]:
    if is_disk_full(error):
        return "disk_full", _disk_full(error)
    if _is_out_of_memory(error):
        return "out_of_memory", f"not enough memory. {FAILURES['out_of_memory'].advice}"
    first_line = (str(error).splitlines() or [""])[0][:500]
    return "internal", f"{type(error).__name__}: {first_line}"


def is_disk_full(error: Exception) -> bool:
    """Return whether an exception was caused by a full disk."""
    # TensorFlow raises one class for all exhausted resources; errors of HDF5 and numpy have no error number.
    if not isinstance(error, OSError) and type(error).__name__ != "ResourceExhaustedError":
        return False
    text = str(error)
    return (
        getattr(error, "errno", None) in _DISK_FULL
        or os.strerror(errno.ENOSPC) in text
        or _SHORT_WRITE.search(text) is not None
    )


def _disk_full(error: Exception) -> str:
    """Name the disk and the file, and the artifact store if the file is in one."""
    named = _NAMED_BY_TENSORFLOW.search(str(error))
    file = getattr(error, "filename", None) or (named and named[1])
    if file is None:
        return f"no space left on a disk of this machine; the file is not known: {str(error).splitlines()[0][:500]}"
    disk = Path(file).absolute()
    while not disk.is_mount():
        disk = disk.parent
    store = f" ({note})" if (note := getattr(error, "strerror", None) or "").startswith("artifact store") else ""
    return f"no space left on the disk mounted at {disk}{store}, for the file {file}"


def _is_out_of_memory(error: Exception) -> bool:
    # TensorFlow's class is recognized by name, because this package must not import TensorFlow.
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
