"""The vocabulary of what can go wrong, without a word of HTTP.

::

    EdgepressError
    ├── InvalidInputError        what was asked for can't be done as written
    │   ├── InvalidSpecError     ... with the fields at fault
    │   └── UnreadableDatasetError   ... seen only when the images are opened
    ├── NotFoundError            no such job, artifact, device, ...
    ├── ConflictError            not in this state: a finished job can't be cancelled
    │   └── LeaseLostError       the step was given to somebody else, or cancelled
    ├── QuotaError               it would be more than the user may have
    │   ├── TooManyJobsError         ... of jobs under way
    │   └── StorageQuotaError        ... of bytes stored
    ├── UnavailableError         something outside is away: a download, Redis, the gateway
    │   └── NoRoomError          the artifact store is nearly full
    └── StepFailedError          a step ran and could not do its work
        ├── DivergedError        its training's loss is no number any more
        ├── ConversionError      its network can't be written in the format that was asked for
        ├── BrokenPromiseError   its output is not what it promised
        └── StepCancelledError   it was told to stop

The edges translate: the gateway to problem+json, a worker or evaluator to a failed step, the command line to an exit
code. A message says what was wrong, with which value, and what is accepted.
"""

from collections.abc import Sequence
from typing import Any

from edgepress_common.frozen import Frozen


class FieldProblem(Frozen):
    """One field of an input that is not acceptable.

    Attributes:
        field: Path to it, as in ``pipelines[0].stages[1].kind``.
        value: The offending value, as sent; shortened when long.
        message: What is wrong with it.
        accepted: What would be accepted, in words or as the list of choices.
    """

    field: str
    value: Any = None
    message: str
    accepted: str | None = None

    def __str__(self) -> str:
        """In a line, as in ``training.epochs: must be 1 or more; got 0; accepted: 1 to 1000``."""
        accepted = "" if self.accepted is None else f"; accepted: {self.accepted}"
        return f"{self.field}: {self.message}; got {self.value!r}{accepted}"


class EdgepressError(Exception):
    """Whatever Edgepress reports on purpose."""


class InvalidInputError(EdgepressError):
    """What was asked for can't be done as written."""


class InvalidSpecError(InvalidInputError):
    """A spec with fields that are not acceptable, each named in ``problems``."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


class UnreadableDatasetError(InvalidInputError):
    """Images that turn out not to be images, or too few of them."""


class NotFoundError(EdgepressError):
    """Nothing goes by that name."""


class ConflictError(EdgepressError):
    """What was asked for does not fit the present state."""


class LeaseLostError(ConflictError):
    """The step has been given to somebody else, has ended, or was cancelled."""


class QuotaError(EdgepressError):
    """It would be more than the user may have."""


class TooManyJobsError(QuotaError):
    """As many jobs are under way as the user may have."""


class StorageQuotaError(QuotaError):
    """As many bytes are stored as the user may have."""


class UnavailableError(EdgepressError):
    """Something outside is away; the same request may go through later."""


class NoRoomError(UnavailableError):
    """The artifact store has no room for anything new."""


class StepFailedError(EdgepressError):
    """A step ran and could not do its work."""


class DivergedError(StepFailedError):
    """A training's loss is no number any more: the same settings would end there again."""


class ConversionError(StepFailedError):
    """A network can't be written in the format that was asked for."""


class BrokenPromiseError(StepFailedError):
    """A step's output is not what the step promised."""


class StepCancelledError(StepFailedError):
    """A step was told to stop."""
