"""The table of failure codes, and the exceptions that lead to them."""

import errno
from typing import get_args

import pytest

from edgepress_common.artifacts import CorruptArtifactError, MissingArtifactError
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
from edgepress_common.failure_reports import failure_of
from edgepress_common.failures import FAILURES, FailureCode
from edgepress_common.messages import StepFailure


def test_every_code_is_in_the_table_once() -> None:
    """The Literal and the table have the same codes in the same order."""
    assert list(FAILURES) == list(get_args(FailureCode))


@pytest.mark.parametrize("code", FAILURES)
def test_every_code_is_explained(code: FailureCode) -> None:
    """It has a clause about what happened and a sentence about what to do."""
    kind = FAILURES[code]
    assert kind.meaning
    assert not kind.meaning.endswith(".")
    assert kind.advice.endswith(".")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreadableDatasetError("x"), "unreadable_dataset"),
        (InvalidInputError("x"), "invalid_input"),
        (BrokenPromiseError("x"), "broken_promise"),
        (DivergedError("x"), "diverged"),
        (ConversionError("x"), "conversion_failed"),
        (ProcessCrashedError("x"), "crashed"),
        (StepCancelledError("x"), "cancelled"),
        (LeaseLostError("x"), "cancelled"),
        (StepFailedError("x"), "failed"),
        (MissingArtifactError("x", "a" * 64), "artifact_missing"),
        (CorruptArtifactError("a" * 64, "b" * 64), "artifact_corrupt"),
        (UnavailableError("x"), "unavailable"),
        (MemoryError(), "out_of_memory"),
        (type("ResourceExhaustedError", (Exception,), {})("OOM when allocating"), "out_of_memory"),
        (type("ResourceExhaustedError", (Exception,), {})("/x; No space left on device"), "disk_full"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "disk_full"),
        (EdgepressError("x"), "internal"),
        (ZeroDivisionError("x"), "internal"),
    ],
)
def test_each_exception_has_a_code(error: Exception, code: FailureCode) -> None:
    """A subclass has its own code, and the table says whether the step is tried again."""
    failure = failure_of(error, "the log")

    assert (failure.code, failure.retryable) == (code, FAILURES[code].retryable)
    assert failure.message
    assert failure.log.startswith("the log")


def test_an_unexpected_error_is_reported_with_its_traceback() -> None:
    """An expected one is not: its message says it all."""
    assert "ZeroDivisionError: x" in failure_of(ZeroDivisionError("x")).log
    assert failure_of(StepFailedError("x")).log == ""


def test_an_unknown_code_is_accepted() -> None:
    """It comes from a worker or an evaluator of another version, and is shown as it is."""
    sent = '{"code": "board_on_fire", "message": "smoke", "retryable": false, "temperature_c": 451}'
    failure = StepFailure.model_validate_json(sent)
    assert (failure.code, failure.message, failure.retryable) == ("board_on_fire", "smoke", False)


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x.npy"), "/tmp/x.npy"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "/tmp/x.npy"), "/tmp/x.npy"),
        (OSError(errno.ENOSPC, "artifact store /tmp/store", "/tmp/store/incoming/1"), "(artifact store /tmp/store)"),
        (type("ResourceExhaustedError", (Exception,), {})("/tmp/a/b; No space left on device"), "/tmp/a/b"),
        (OSError("8192 requested and 0 written"), "8192 requested"),
        (OSError("Can't write data (error message = 'No space left on device')"), "Can't write data"),
    ],
)
def test_a_full_disk_is_named(error: Exception, named: str) -> None:
    """With the file, and the store if the file is in one, whichever library noticed it."""
    failure = failure_of(error)

    assert failure.code == "disk_full"
    assert named in failure.message
    assert "the disk mounted at /" in failure.message or "the file is not known" in failure.message
