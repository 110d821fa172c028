"""Reports of devices, with bounds: a report is stored and shown, and must fill neither a disk nor a page.

Results are checked by `edgepress_api.steps.plausible`. A failure is shortened, not refused: it must reach its job.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from edgepress_api.steps.plausible import Bytes, Celsius, Words
from edgepress_common.devices import Announcement, Label
from edgepress_common.messages import Progress, StepFailure

_MESSAGE_CHARACTERS = 5000
_LOG_CHARACTERS = 20_000  # as much as workers and evaluators send, see `edgepress_common.failure_reports`


class ReportedAnnouncement(Announcement):
    """See `Announcement`."""

    labels: tuple[Label, ...] = Field(default=(), max_length=50)
    board: Words | None = None
    cpu: Words | None = None
    machine: Words
    cores: int = Field(ge=1, le=65_536)
    memory_bytes: Bytes
    runtime: Words
    temperature_c: Celsius | None = None
    problem: Words | None = None

    def stored(self) -> Announcement:
        """Return the announcement as it is stored."""
        return Announcement.model_validate(self.model_dump())


class ReportedProgress(Progress):
    """See `Progress`."""

    message: Words = ""
    epoch: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    epochs: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    metrics: dict[Words, Annotated[float, Field(allow_inf_nan=False)]] = Field(default_factory=dict, max_length=50)
    seconds_left: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None

    def stored(self) -> Progress:
        """Return the progress as it is stored."""
        return Progress.model_validate(self.model_dump())


def _shortened(text: object, characters: int) -> object:
    """Return the end of a text, where the error is, if it is too long; anything else as it is."""
    return f"... {text[-characters:]}" if isinstance(text, str) and len(text) > characters else text


class ReportedFailure(StepFailure):
    """See `StepFailure`."""

    code: str = Field(max_length=100, pattern="^[a-z][a-z0-9_]*$")
    message: Annotated[str, BeforeValidator(lambda text: _shortened(text, _MESSAGE_CHARACTERS))]
    log: Annotated[str, BeforeValidator(lambda text: _shortened(text, _LOG_CHARACTERS))] = ""
    artifact: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")

    def stored(self) -> StepFailure:
        """Return the failure as it is stored."""
        return StepFailure.model_validate(self.model_dump())
