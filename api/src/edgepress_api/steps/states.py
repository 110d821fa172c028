"""The state machine of a step, as plain functions: who may do it, until when, and what a message changes.

::

    waiting ── inputs done ──> ready ── send ──> sent ── start ──> running ── finish ──> succeeded
                                 │ ^                │                │  │
                                 │ └── lease over, failed, given back ┘  └── failed for good ──> failed
                                 ├───────────── lease (a device asks) ──^
                                 └── device away for too long ──> failed
    any of them that has not ended ── cancel ──> cancelled          failed, cancelled ── want ──> waiting

One set of rules for workers (who are sent their steps: `send`, `start`) and devices (who ask: `lease`). Each attempt
has a number; what an earlier attempt still says, or says twice, changes nothing: the function returns None.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

State = Literal["waiting", "ready", "sent", "running", "succeeded", "failed", "cancelled"]

ENDED: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})

_MAX_RESEND = timedelta(minutes=10)


@dataclass(frozen=True)
class Status:
    """Where a step stands; see `edgepress_api.database.StepRow` for the fields."""

    state: State
    attempt: int = 0
    failures: int = 0
    sends: int = 0
    due_at: datetime | None = None
    holder: str | None = None


def inputs_done(status: Status) -> Status | None:
    """All inputs exist: the step can run."""
    return replace(status, state="ready") if status.state == "waiting" else None


def send(status: Status, now: datetime, pause: timedelta) -> Status | None:
    """The step goes to a queue: the first time as a new attempt, later again as the same one.

    A queue can lose what it has, so a step that nobody has begun on is sent again after `pause`, then after twice as
    long each time: if it was merely waiting its turn, the worker drops the double.
    """
    match status.state:
        case "ready":
            return replace(status, state="sent", attempt=status.attempt + 1, sends=1, due_at=now + pause, holder=None)
        case "sent" if _is_over(status, now):
            wait = min(pause * 2**status.sends, _MAX_RESEND)
            return replace(status, sends=status.sends + 1, due_at=now + wait)
        case _:
            return None


def lease(status: Status, holder: str, now: datetime, length: timedelta) -> Status | None:
    """A device asks and gets the step."""
    if status.state != "ready":
        return None
    return replace(status, state="running", attempt=status.attempt + 1, due_at=now + length, holder=holder)


def await_device(status: Status, now: datetime, patience: timedelta) -> Status | None:
    """The device that could take the step is away: the step waits for so long, and no longer."""
    if status.state != "ready" or status.due_at is not None:
        return None
    return replace(status, due_at=now + patience)


def device_back(status: Status) -> Status | None:
    """The device that was away is there: the step waits its turn, however long that takes."""
    return replace(status, due_at=None) if status.state == "ready" and status.due_at is not None else None


def give_up_device(status: Status, now: datetime) -> Status | None:
    """The device has been away for too long."""
    return replace(status, state="failed", due_at=None) if status.state == "ready" and _is_over(status, now) else None


def renew(status: Status, attempt: int, holder: str, now: datetime, length: timedelta) -> Status | None:
    """The holder has begun, or is still at it: the lease runs anew."""
    if not _is_current(status, attempt):
        return None
    return replace(status, state="running", due_at=now + length, holder=holder)


def finish(status: Status, attempt: int) -> Status | None:
    """The step is done."""
    return replace(status, state="succeeded", due_at=None) if _is_current(status, attempt) else None


def fail(status: Status, attempt: int, *, retryable: bool, max_attempts: int) -> Status | None:
    """An attempt failed: the step may be tried again, or has failed for good."""
    if not _is_current(status, attempt):
        return None
    failures = status.failures + 1
    state: State = "ready" if retryable and failures < max_attempts else "failed"
    return replace(status, state=state, failures=failures, due_at=None, holder=None)


def give_back(status: Status, attempt: int) -> Status | None:
    """The holder is being stopped: the step is ready again, and nobody is to blame."""
    return replace(status, state="ready", due_at=None, holder=None) if _is_current(status, attempt) else None


def expire(status: Status, now: datetime, *, max_attempts: int) -> Status | None:
    """A holder that has been silent for too long loses the step; that counts as a failed attempt."""
    if status.state != "running" or not _is_over(status, now):
        return None
    return fail(status, status.attempt, retryable=True, max_attempts=max_attempts)


def cancel(status: Status) -> Status | None:
    """Nobody wants the step any more."""
    return None if status.state in ENDED else replace(status, state="cancelled", due_at=None)


def inputs_failed(status: Status) -> Status | None:
    """A step it needs has failed for good."""
    return replace(status, state="failed", due_at=None) if status.state == "waiting" else None


def want(status: Status) -> Status | None:
    """A job wants a step that was given up: it has all its attempts again. Attempt numbers go on counting."""
    if status.state not in {"failed", "cancelled"}:
        return None
    return Status(state="waiting", attempt=status.attempt)


def _is_current(status: Status, attempt: int) -> bool:
    return status.state in {"sent", "running"} and status.attempt == attempt


def _is_over(status: Status, now: datetime) -> bool:
    return status.due_at is not None and status.due_at <= now
