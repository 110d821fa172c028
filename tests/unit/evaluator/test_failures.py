"""What an error is to the gateway."""

import pytest

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
from edgepress_evaluator.failures import failure_of


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (BrokenPromiseError("x"), "broken_promise", False),
        (StepCancelledError("x"), "cancelled", True),
        (StepFailedError("x"), "crashed", True),
        (UnreadableDatasetError("x"), "unreadable_dataset", False),
        (UnavailableError("x"), "unavailable", True),
        (NotFoundError("x"), "unavailable", True),
        (CorruptArtifactError("x"), "unavailable", True),
        (MemoryError(), "out_of_memory", True),
        (EdgepressError("x"), "internal", True),
        (ZeroDivisionError("x"), "internal", True),
    ],
)
def test_each_error_has_a_code(error: Exception, code: str, *, retryable: bool) -> None:
    """A kind of error before the kinds it belongs to."""
    failure = failure_of(error)

    assert (failure.code, failure.retryable) == (code, retryable)
    assert failure.message
