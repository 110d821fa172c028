"""The errors of Edgepress, independent of HTTP.

::

    EdgepressError
    ├── InvalidInputError        what was asked for can't be done as written
    │   ├── InvalidSpecError     ... with the fields at fault
    │   │   ├── InvalidQueryError    ... which are parameters of a query
    │   │   └── InvalidReportError   ... of a device's report
    │   └── UnreadableDatasetError   ... seen only when the images are opened
    ├── NotFoundError            no such job, artifact, device, ...
    ├── ConflictError            not in this state: a finished job can't be cancelled
    │   └── LeaseLostError       another worker or device has the step, or it was cancelled
    ├── QuotaError               it would be more than the user may have
    │   ├── TooManyJobsError         ... of active jobs
    │   ├── TooManyStreamsError      ... of event streams
    │   ├── TooManyTestsError        ... of test messages
    │   └── StorageQuotaError        ... of bytes stored
    ├── UnavailableError         an external service is unavailable: a download, Redis, the gateway
    │   └── InsufficientStorageError          the artifact store is nearly full
    └── StepFailedError          a step ran and failed
        ├── DivergedError        the training loss is NaN or infinite
        ├── ConversionError      the network can't be converted to the requested format
        ├── BrokenPromiseError   the output does not have a promised property
        ├── ProcessCrashedError  a child process ended unexpectedly
        └── StepCancelledError   the step was cancelled

The edges translate them: the gateway to problem+json, a worker or evaluator to a failed step, the command line to an
exit code. A message states what is wrong, with which value, and what is accepted.
"""

from collections.abc import Sequence
from typing import Any

from edgepress_common.frozen import Frozen


class FieldProblem(Frozen):
    """An invalid field of an input.

    Attributes:
        field: Path to the field, such as ``pipelines[0].stages[1].kind``.
        value: The value that was sent; shortened if it is long.
        message: What is wrong with it.
        accepted: Accepted values, as text or as the list of choices.
    """

    field: str
    value: Any = None
    message: str
    accepted: str | None = None

    def __str__(self) -> str:
        """Return one line, such as ``training.epochs: must be 1 or more; got 0; accepted: 1 to 1000``."""
        accepted = "" if self.accepted is None else f"; accepted: {self.accepted}"
        return f"{self.field}: {self.message}; got {self.value!r}{accepted}"


class EdgepressError(Exception):
    """Base class of all errors that Edgepress raises on purpose."""


class InvalidInputError(EdgepressError):
    """The request is not valid."""


class InvalidSpecError(InvalidInputError):
    """A spec with invalid fields, which are listed in ``problems``."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


class InvalidQueryError(InvalidSpecError):
    """A query with invalid parameters, which are listed in ``problems``."""


class InvalidReportError(InvalidSpecError):
    """A device's report with fields that are not acceptable."""


class UnreadableDatasetError(InvalidInputError):
    """Too many files of a data set are not readable images."""


class NotFoundError(EdgepressError):
    """The requested object does not exist."""


class ConflictError(EdgepressError):
    """The request is not possible in the current state."""


class LeaseLostError(ConflictError):
    """The step was given to another worker or device, has ended, or was cancelled."""


class QuotaError(EdgepressError):
    """The request would exceed a quota of the user."""


class TooManyJobsError(QuotaError):
    """The user has the maximum number of active jobs."""


class TooManyStreamsError(QuotaError):
    """The user has the maximum number of open event streams."""


class TooManyTestsError(QuotaError):
    """The user has sent the maximum number of test messages."""


class StorageQuotaError(QuotaError):
    """The user has reached the maximum storage."""


class UnavailableError(EdgepressError):
    """An external service is unavailable; the same request may succeed later."""


class InsufficientStorageError(UnavailableError):
    """The artifact store has too little free space for new artifacts."""


class StoreUnavailableError(UnavailableError):
    """The artifact store does not answer."""


class StepFailedError(EdgepressError):
    """A step ran and failed."""


class DivergedError(StepFailedError):
    """The training loss is NaN or infinite; with the same settings, the training would fail again."""


class ConversionError(StepFailedError):
    """The network can't be converted to the requested format."""


class BrokenPromiseError(StepFailedError):
    """The output of a step does not have a property that the step promised."""


class ProcessCrashedError(StepFailedError):
    """A child process ended unexpectedly."""


class StepCancelledError(StepFailedError):
    """A step was cancelled."""
