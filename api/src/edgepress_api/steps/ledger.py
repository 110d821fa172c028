"""Changes the states of steps in the database, and of everything that depends on them.

Each function applies one event within the caller's transaction (one writer at a time, see
`Database`):

1. The rule of `edgepress_api.steps.states` is applied; if it returns None (a late or duplicate
   message), nothing changes.
2. Steps that were waiting for this one become ready, or fail with it.
3. Active pipelines and jobs follow, and events are recorded for clients that watch them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self, get_args

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from edgepress_api.database import StepArtifactRow, StepInputRow, StepRow
from edgepress_api.settings import ApiSettings
from edgepress_api.steps import states
from edgepress_api.steps.counters import count
from edgepress_api.steps.following import follow_steps, note_epoch
from edgepress_api.steps.states import Status
from edgepress_common.messages import Outputs, Progress, StepFailure
from edgepress_common.results import StepResult
from edgepress_common.steps import StepKind

ALL_KINDS: tuple[StepKind, ...] = get_args(StepKind)


@dataclass(frozen=True)
class Rules:
    """Time limits and attempt limits of the ledger.

    Attributes:
        lease: Time without a heartbeat after which a lease ends and the step can run elsewhere.
        resend_pause: See `states.send`.
        max_attempts: Failures after which a step has failed for good.
        device_patience: How long an evaluation waits for a device that is offline.
        max_step: Maximum duration of an attempt at a step.
        max_job: Maximum duration of a job.
    """

    lease: timedelta
    resend_pause: timedelta
    max_attempts: int
    device_patience: timedelta = timedelta(days=1)
    max_step: timedelta = timedelta(days=5)
    max_job: timedelta = timedelta(days=30)

    @classmethod
    def of(cls, settings: ApiSettings) -> Self:
        """Return the rules of the settings."""
        return cls(
            lease=timedelta(seconds=settings.lease_seconds),
            resend_pause=timedelta(seconds=settings.resend_seconds),
            max_attempts=settings.max_attempts,
            device_patience=timedelta(seconds=settings.device_patience_seconds),
            max_step=timedelta(hours=settings.max_step_hours),
            max_job=timedelta(hours=settings.max_job_hours),
        )


@dataclass(frozen=True)
class Ledger:
    """The one place where a step changes state."""

    rules: Rules

    def send(self, session: Session, row: StepRow, now: datetime, *, machine_id: str | None = None) -> bool:
        """Send the step to a queue, for the first time or again; return whether it is sent.

        A step that is sent again to another queue can still be in the first: any worker may start it then.

        Args:
            session: The caller's transaction.
            row: The step.
            now: The current time.
            machine_id: Machine of the queue's workers; None for the queue of all workers.
        """
        first = row.state == "ready"
        sent = states.send(status_of(row), now, self.rules.resend_pause)
        if sent is not None:
            row.machine_id = machine_id if first or row.machine_id == machine_id else None
        return self._move(session, row, sent, now, quiet=not first)

    def resend(self, session: Session, now: datetime) -> None:
        """Have all steps that were sent, and that no worker has begun, sent again at once.

        A worker drops the second message if the first is still in its queue.
        """
        for row in session.scalars(select(StepRow).where(StepRow.state == "sent")):
            row.due_at = now

    def lease(self, session: Session, row: StepRow, holder: str, now: datetime) -> bool:
        """Lease the step to a device; return whether it was ready."""
        leased = self._move(session, row, states.lease(status_of(row), holder, now, self.rules.lease), now)
        if leased:
            row.started_at = now
        return leased

    def renew(
        self,
        session: Session,
        key: str,
        attempt: int,
        *,
        holder: str,
        progress: Progress | None,
        now: datetime,
        machine_id: str | None = None,
    ) -> bool:
        """Renew a lease whose owner has begun (without progress) or continues; return whether it was current.

        Args:
            session: The caller's transaction.
            key: Key of the step.
            attempt: Number of the attempt.
            holder: Worker or device that has the lease.
            progress: Progress of the attempt, if known.
            now: The current time.
            machine_id: Machine of the worker; None if the message does not name it.
        """
        row = session.get(StepRow, key)
        if row is None:
            return False
        moved = states.renew(status_of(row), attempt, holder, now, self.rules.lease)
        if moved is None:
            return False
        if row.started_at is None:
            row.started_at = now
        if machine_id is not None:
            row.machine_id = machine_id
        if progress is not None:
            if progress.epoch and (row.progress is None or progress.epoch != row.progress.epoch):
                note_epoch(session, row, progress, now)
            row.progress = progress
        return self._move(session, row, moved, now, quiet=row.state == "running")

    def finish(
        self, session: Session, key: str, attempt: int, *, outputs: Outputs, result: StepResult, now: datetime
    ) -> bool:
        """Record that the step is done; return whether the attempt was current."""
        row = session.get(StepRow, key)
        moved = None if row is None else states.finish(status_of(row), attempt)
        if row is None or moved is None:
            return False
        row.outputs, row.result, row.failure = outputs, result, None
        _name_artifacts(session, key, outputs)
        row.progress = Progress(fraction=1)
        count(session, "steps_done", row.kind)
        count(session, "step_seconds", row.kind, (now - (row.started_at or now)).total_seconds())
        return self._move(session, row, moved, now)

    def fail(self, session: Session, key: str, attempt: int, *, failure: StepFailure, now: datetime) -> bool:
        """Record that an attempt failed; return whether it was current."""
        row = session.get(StepRow, key)
        if row is None:
            return False
        if failure.code == "cancelled":  # its owner is being stopped, which is not a failure of the step
            return self.give_back(session, key, attempt, now=now)
        if failure.artifact is not None and self._remake_input(session, row, attempt, failure=failure, now=now):
            return True
        moved = states.fail(status_of(row), attempt, retryable=failure.retryable, max_attempts=self.rules.max_attempts)
        if moved is not None:
            row.failure = failure
            count(session, "attempts_failed", row.kind)
        return self._move(session, row, moved, now)

    def give_back(self, session: Session, key: str, attempt: int, *, now: datetime) -> bool:
        """Make the step of a worker that is being stopped ready again; return whether the attempt was current."""
        row = session.get(StepRow, key)
        return row is not None and self._move(session, row, states.give_back(status_of(row), attempt), now)

    def await_device(self, session: Session, row: StepRow, *, is_there: bool, now: datetime) -> bool:
        """Set or remove the deadline of an evaluation that waits for its device; return whether that is a change.

        No event is recorded: the state of the evaluation is the same.
        """
        status = status_of(row)
        moved = states.device_back(status) if is_there else states.await_device(status, now, self.rules.device_patience)
        return self._move(session, row, moved, now, quiet=True)

    def give_up_device(self, session: Session, row: StepRow, *, failure: StepFailure, now: datetime) -> bool:
        """Fail an evaluation that has waited for its device for too long; return whether it has."""
        moved = states.give_up_device(status_of(row), now)
        if moved is not None:
            row.failure = failure
        return self._move(session, row, moved, now)

    def overdue(self, session: Session, now: datetime, kinds: Sequence[StepKind] = ALL_KINDS) -> bool:
        """Return whether a lease of such a step has expired."""
        return session.scalar(_overdue(now, kinds).with_only_columns(StepRow.key).limit(1)) is not None

    def expire(self, session: Session, now: datetime, kinds: Sequence[StepKind] = ALL_KINDS) -> int:
        """End every expired lease of such steps; return their number."""
        expired = 0
        for row in session.scalars(_overdue(now, kinds)).all():
            holder = row.holder
            moved = states.expire(status_of(row), now, max_attempts=self.rules.max_attempts)
            if moved is not None:
                row.failure = StepFailure.of(
                    "lease_expired",
                    f"{holder} missed its heartbeats for {self.rules.lease.total_seconds():g} s in attempt "
                    f"{row.attempt}: it was stopped, crashed, or lost its connection",
                )
                count(session, "leases_lost", row.kind)
            expired += self._move(session, row, moved, now)
        return expired

    def cancel(self, session: Session, rows: Iterable[StepRow], now: datetime) -> None:
        """Cancel steps that no job needs any more."""
        for row in rows:
            self._move(session, row, states.cancel(status_of(row)), now)

    def want(self, session: Session, rows: Iterable[StepRow], now: datetime) -> None:
        """Start the steps of a job again that failed or were cancelled, in an order in which they can run."""
        for row in rows:
            moved = states.want(status_of(row))
            if moved is not None:
                row.failure = row.progress = row.started_at = row.finished_at = None
                self._move(session, row, moved, now)
            session.flush()
            self._wake(session, [row], now)

    def discard(self, session: Session, row: StepRow, now: datetime) -> bool:
        """Discard the result of a step that has succeeded, and run it again; return whether it had succeeded."""
        moved = states.discard(status_of(row))
        if moved is None:
            return False
        row.outputs = row.result = row.failure = row.progress = row.started_at = row.finished_at = None
        self._move(session, row, moved, now)
        self._wake(session, [row], now)
        return True

    def fail_what_needs(self, session: Session, rows: Iterable[StepRow], now: datetime) -> None:
        """Fail the steps that wait for one of these, if it has failed."""
        for row in rows:
            if row.state == "failed":
                self._fail_dependents(session, row, now)

    def _remake_input(
        self, session: Session, reader: StepRow, attempt: int, *, failure: StepFailure, now: datetime
    ) -> bool:
        """Have the step done again that gave an artifact which an attempt found missing or damaged.

        The reader waits for it, and so do the other steps that were about to read it.

        Returns:
            False if nothing came of it: the attempt is over, no step gave the artifact, or it was made again too often.
        """
        moved = states.await_input(status_of(reader), attempt)
        sources = (entry.source for entry in reader.inputs)
        source = next((row for row in sources if failure.artifact in _names(row)), None)
        if moved is None or source is None or source.state in {"failed", "cancelled"}:
            return False
        remade = states.remake(status_of(source), max_attempts=self.rules.max_attempts)
        if remade is None and source.state == "succeeded":
            return False
        reader.failure = failure
        self._move(session, reader, moved, now)
        if remade is not None:  # else another reader has noticed it before
            source.failure, source.progress, source.finished_at = failure, None, None
            for dependent in _dependents(session, source):
                self._move(session, dependent, states.input_lost(status_of(dependent)), now)
            self._move(session, source, remade, now)
            self._wake(session, [source], now)
        return True

    def _move(
        self, session: Session, row: StepRow, status: Status | None, now: datetime, *, quiet: bool = False
    ) -> bool:
        if status is None:
            return False
        if status.attempt != row.attempt:
            row.progress = row.started_at = None
        row.state, row.attempt, row.failures = status.state, status.attempt, status.failures
        row.sends, row.due_at, row.holder = status.sends, status.due_at, status.holder
        if row.state in states.ENDED:
            row.finished_at = now
        session.flush()
        if not quiet:
            changed = [row, *self._carry_on(session, row, now)]
            follow_steps(session, changed, now)
        return True

    def _carry_on(self, session: Session, row: StepRow, now: datetime) -> list[StepRow]:
        """Apply rule 2 of the module: update the steps that need a step that has ended."""
        match row.state:
            case "succeeded":
                return self._wake(session, _dependents(session, row), now)
            case "failed":
                return self._fail_dependents(session, row, now)
            case _:
                return []

    def _wake(self, session: Session, rows: Iterable[StepRow], now: datetime) -> list[StepRow]:
        woken = []
        for row in rows:
            unfinished = (
                select(StepRow.key)
                .join(StepInputRow, StepInputRow.input_key == StepRow.key)
                .where(StepInputRow.step_key == row.key, StepRow.state != "succeeded")
                .limit(1)
            )
            moved = states.inputs_done(status_of(row))
            if moved is not None and session.scalar(unfinished) is None:
                self._move(session, row, moved, now)
                woken.append(row)
        return woken

    def _fail_dependents(self, session: Session, row: StepRow, now: datetime) -> list[StepRow]:
        failed = []
        for dependent in _dependents(session, row):
            moved = states.inputs_failed(status_of(dependent))
            if moved is None:
                continue
            reason = row.failure.message if row.failure else "it failed"
            dependent.failure = StepFailure.of("input_failed", f"needs {row.title!r}, which failed: {reason}")
            self._move(session, dependent, moved, now)
            failed.append(dependent)
        return failed


def status_of(row: StepRow) -> Status:
    """Return the status of a row in the state machine."""
    return Status(
        state=row.state,
        attempt=row.attempt,
        failures=row.failures,
        sends=row.sends,
        due_at=row.due_at,
        holder=row.holder,
    )


def _names(row: StepRow) -> set[str]:
    return {reference.sha256 for reference in (row.outputs or {}).values()}


def _overdue(now: datetime, kinds: Sequence[StepKind]) -> Select[StepRow]:
    return select(StepRow).where(StepRow.state == "running", StepRow.due_at <= now, StepRow.kind.in_(kinds))


def _name_artifacts(session: Session, key: str, outputs: Outputs) -> None:
    """List a step's artifacts by name, in place of the outputs of its last run."""
    session.execute(delete(StepArtifactRow).where(StepArtifactRow.step_key == key))
    sizes = {reference.sha256: reference.size_bytes for reference in outputs.values()}
    session.add_all(StepArtifactRow(sha256=name, step_key=key, size_bytes=size) for name, size in sorted(sizes.items()))


def _dependents(session: Session, row: StepRow) -> list[StepRow]:
    needing = select(StepInputRow.step_key).where(StepInputRow.input_key == row.key)
    return list(session.scalars(select(StepRow).where(StepRow.key.in_(needing))))
