"""What an error is to the gateway: the evaluator's edge."""

import traceback

from edgepress_common.artifacts import CorruptArtifactError
from edgepress_common.errors import (
    BrokenPromiseError,
    EdgepressError,
    NotFoundError,
    StepCancelledError,
    StepFailedError,
    UnavailableError,
    UnreadableDatasetError,
)
from edgepress_common.messages import StepFailure

# Code, and whether another attempt could go better. The first kind that fits decides.
_FAILURES: dict[type[Exception], tuple[str, bool]] = {
    StepCancelledError: ("cancelled", True),
    BrokenPromiseError: ("broken_promise", False),
    StepFailedError: ("crashed", True),
    UnreadableDatasetError: ("unreadable_dataset", False),
    UnavailableError: ("unavailable", True),
    NotFoundError: ("unavailable", True),
    CorruptArtifactError: ("unavailable", True),
    MemoryError: ("out_of_memory", True),
}


def failure_of(error: Exception) -> StepFailure:
    """Why an evaluation could not be done.

    What Edgepress reports on purpose is told in its own words; the rest is ``internal``, with the traceback as log.
    """
    for kind, (code, retryable) in _FAILURES.items():
        if isinstance(error, kind):
            return StepFailure(code=code, message=str(error) or kind.__name__, retryable=retryable)
    log = "" if isinstance(error, EdgepressError) else "".join(traceback.format_exception(error))
    return StepFailure(code="internal", message=f"{type(error).__name__}: {error}", retryable=True, log=log)
