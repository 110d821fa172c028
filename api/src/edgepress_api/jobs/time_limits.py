"""Time limits: stops jobs at their deadline, and steps whose attempt exceeds its limit.

A job is stopped as if it were cancelled, except that its state is failed, or partly succeeded if something was
measured, with the reason. A step fails without another attempt, which would take as long. The worker or device is told
at its next report.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from edgepress_api.database import Database, JobRow, StepRow
from edgepress_api.jobs.deadline import job_limit, step_limit
from edgepress_api.jobs.ending import needed_by_no_other_job
from edgepress_api.steps.following import active_jobs, job_state, note_job
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.messages import StepFailure

_HOUR = timedelta(hours=1)


def enforce_time_limits(database: Database, ledger: Ledger, now: datetime) -> None:
    """Stop the jobs and steps that have exceeded their time limit."""
    with database.read() as session:
        if not session.scalars(select(JobRow.number).where(_is_over(now)).limit(1)).all() and not _overrun(
            session, ledger.rules, now
        ):
            return  # most of the time
    with database.write() as session:
        for row, limit in _overrun(session, ledger.rules, now):
            ledger.fail(session, row.key, row.attempt, failure=_failure(row, limit), now=now)
        for job in session.scalars(select(JobRow).where(_is_over(now))).all():
            _end(session, ledger, job, now)


def _is_over(now: datetime) -> ColumnElement[bool]:
    return and_(JobRow.state.in_(ACTIVE_STATES), JobRow.deadline_at <= now)


def _overrun(session: Session, rules: Rules, now: datetime) -> Sequence[tuple[StepRow, timedelta]]:
    """Return steps whose attempt exceeds the limit of every job that needs them, with the longest such limit."""
    found = []
    for row in session.scalars(select(StepRow).where(StepRow.state == "running")):
        limits = [step_limit(job.spec.limits, rules) for job in active_jobs(session, row.key)]
        limit = max(limits, default=rules.max_step)
        if row.started_at is not None and now - row.started_at > limit:
            found.append((row, limit))
    return found


def _failure(row: StepRow, limit: timedelta) -> StepFailure:
    return StepFailure.of(
        "time_limit",
        f"attempt {row.attempt} took longer than {_hours(limit)}, the most that the spec (limits.step_hours) "
        "and the server (EDGEPRESS_MAX_STEP_HOURS) allow; try fewer epochs, a smaller network or image_size, or a "
        "longer limit",
    )


def _end(session: Session, ledger: Ledger, job: JobRow, now: datetime) -> None:
    given_up = needed_by_no_other_job(session, job)
    for pipeline in job.pipelines:
        if pipeline.state in ACTIVE_STATES:
            measured = any(
                entry.step.kind == "evaluation" and entry.step.state == "succeeded" for entry in pipeline.steps
            )
            pipeline.state = "partly_succeeded" if measured else "failed"
    states = [pipeline.state for pipeline in job.pipelines]
    job.state = job_state(states, is_cut_short=not job.plan_complete)
    job.finished_at = now
    limit = _hours(job_limit(job.spec.limits, ledger.rules))
    job.error = (
        f"took longer than {limit}, the most that the spec (limits.job_hours) and the server (EDGEPRESS_MAX_JOB_HOURS) "
        "allow; what was done stays, and a retry goes on from there"
    )
    note_job(session, job, now)
    session.flush()
    ledger.cancel(session, given_up, now)


def _hours(limit: timedelta) -> str:
    return f"{limit / _HOUR:.3g} hours"
