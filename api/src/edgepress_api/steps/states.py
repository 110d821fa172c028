"""The state machine of a step, as pure functions: who can run it, until when, and what a message changes.

::

    waiting ── inputs done ──> ready ── send ──> sent ── start ──> running ── finish ──> succeeded
                                 │ ^                │                │  │
                                 │ └── lease over, failed, given back ┘  └── failed for good ──> failed
                                 ├───────────── lease (a device asks) ──^
                                 └── device offline for too long ──> failed
    any of them that has not ended ── cancel ──> cancelled          failed, cancelled ── want ──> waiting
    succeeded ── its artifact is lost ──> waiting                   ready, running ── an input is lost ──> waiting

One set of rules for workers (who are sent their steps: `send`, `start`) and devices (who ask: `lease`). Each attempt
has a number. A message of an earlier attempt, or a duplicate, changes nothing: the function returns None.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

State = Literal["waiting", "ready", "sent", "running", "succeeded", "failed", "cancelled"]

ENDED: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})

_MAX_RESEND = timedelta(minutes=10)


@dataclass(frozen=True)
class Status:
    """The status of a step; see `edgepress_api.database.StepRow` for the fields."""

    state: State
    attempt: int = 0
    failures: int = 0
    sends: int = 0
    due_at: datetime | None = None
    holder: str | None = None


def inputs_done(status: Status) -> Status | None:
    """Make the step ready, because all inputs exist."""
    return replace(status, state="ready") if status.state == "waiting" else None


def send(status: Status, now: datetime, pause: timedelta) -> Status | None:
    """Send the step to a queue: the first time as a new attempt, later again as the same one.

    A queue can lose messages, so a step that no worker has begun is sent again after `pause`, then after twice as
    long each time: if it was only waiting its turn, the worker drops the duplicate.
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
    """Lease the step to a device that asks for work."""
    if status.state != "ready":
        return None
    return replace(status, state="running", attempt=status.attempt + 1, due_at=now + length, holder=holder)


def await_device(status: Status, now: datetime, patience: timedelta) -> Status | None:
    """Set a deadline for a step whose device is offline."""
    if status.state != "ready" or status.due_at is not None:
        return None
    return replace(status, due_at=now + patience)


def device_back(status: Status) -> Status | None:
    """Remove the deadline of a step whose device is online again: the step waits its turn, however long."""
    return replace(status, due_at=None) if status.state == "ready" and status.due_at is not None else None


def give_up_device(status: Status, now: datetime) -> Status | None:
    """Fail the step if its device has been offline for too long."""
    return replace(status, state="failed", due_at=None) if status.state == "ready" and _is_over(status, now) else None


def renew(status: Status, attempt: int, holder: str, now: datetime, length: timedelta) -> Status | None:
    """Renew the lease of the worker or device that runs the step."""
    if not _is_current(status, attempt):
        return None
    return replace(status, state="running", due_at=now + length, holder=holder)


def finish(status: Status, attempt: int) -> Status | None:
    """Finish the step."""
    return replace(status, state="succeeded", due_at=None) if _is_current(status, attempt) else None


def fail(status: Status, attempt: int, *, retryable: bool, max_attempts: int) -> Status | None:
    """Record a failed attempt: the step is ready again, or has failed permanently."""
    if not _is_current(status, attempt):
        return None
    failures = status.failures + 1
    state: State = "ready" if retryable and failures < max_attempts else "failed"
    return replace(status, state=state, failures=failures, due_at=None, holder=None)


def give_back(status: Status, attempt: int) -> Status | None:
    """Make the step of a worker that is being stopped ready again, which is not a failure."""
    return replace(status, state="ready", due_at=None, holder=None) if _is_current(status, attempt) else None


def remake(status: Status, *, max_attempts: int) -> Status | None:
    """Run a step again whose output is missing or damaged. Counts as one of its failed attempts."""
    if status.state != "succeeded" or status.failures + 1 >= max_attempts:
        return None
    return replace(status, state="waiting", failures=status.failures + 1, due_at=None, holder=None)


def await_input(status: Status, attempt: int) -> Status | None:
    """Let the step wait for an input that is created again, which is not a failure."""
    return replace(status, state="waiting", due_at=None, holder=None) if _is_current(status, attempt) else None


def input_lost(status: Status) -> Status | None:
    """Let a step that was not sent wait for an input that is created again."""
    return replace(status, state="waiting", due_at=None) if status.state == "ready" else None


def expire(status: Status, now: datetime, *, max_attempts: int) -> Status | None:
    """End a lease after missed heartbeats; that counts as a failed attempt."""
    if status.state != "running" or not _is_over(status, now):
        return None
    return fail(status, status.attempt, retryable=True, max_attempts=max_attempts)


def cancel(status: Status) -> Status | None:
    """Cancel a step that no job needs any more."""
    return None if status.state in ENDED else replace(status, state="cancelled", due_at=None)


def inputs_failed(status: Status) -> Status | None:
    """Fail a step that needs a step that has failed permanently."""
    return replace(status, state="failed", due_at=None) if status.state == "waiting" else None


def want(status: Status) -> Status | None:
    """Start a failed or cancelled step again, with all its attempts. Attempt numbers continue."""
    if status.state not in {"failed", "cancelled"}:
        return None
    return Status(state="waiting", attempt=status.attempt)


def discard(status: Status) -> Status | None:
    """Discard the result of a step: it runs again, with all its attempts. Attempt numbers continue."""
    return Status(state="waiting", attempt=status.attempt) if status.state == "succeeded" else None


def _is_current(status: Status, attempt: int) -> bool:
    return status.state in {"sent", "running"} and status.attempt == attempt


def _is_over(status: Status, now: datetime) -> bool:
    return status.due_at is not None and status.due_at <= now
