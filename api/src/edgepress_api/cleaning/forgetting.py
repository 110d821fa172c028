"""Forgets jobs whose time is over, and steps that no job needs any more.

Steps are shared, so a job that is deleted leaves its steps behind. Those that no pipeline needs go here: first the ones
that nothing was made from, then those they were made from, and so on. A step that somebody works on is left alone.

Each transaction is short: others wait for it.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import aliased

from edgepress_api.database import Database, JobRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.jobs.following import UNDER_WAY
from edgepress_api.steps.states import ENDED

_JOBS_AT_ONCE = 20
_STEPS_AT_ONCE = 500


def forget_old_jobs(database: Database, now: datetime, retention: timedelta) -> int:
    """Deletes jobs that ended so long ago, as their owners could; returns how many."""
    forgotten = 0
    old = (JobRow.finished_at <= now - retention, JobRow.state.not_in(UNDER_WAY))
    while True:
        with database.read() as session:
            numbers = session.scalars(select(JobRow.number).where(*old).limit(_JOBS_AT_ONCE)).all()
        if not numbers:
            return forgotten
        with database.write() as session:
            # Looked at again: a job may have been taken up anew meanwhile.
            for job in session.scalars(select(JobRow).where(JobRow.number.in_(numbers), *old)):
                session.delete(job)
                forgotten += 1


def forget_unneeded_steps(database: Database) -> int:
    """Deletes the steps that no job needs; returns how many."""
    forgotten = 0
    while True:
        with database.read() as session:
            keys = session.scalars(select(StepRow.key).where(*_unneeded()).limit(_STEPS_AT_ONCE)).all()
        if not keys:
            return forgotten
        with database.write() as session:
            # Looked at again: a new job may need one of them now.
            still = session.scalars(select(StepRow.key).where(StepRow.key.in_(keys), *_unneeded())).all()
            session.execute(delete(StepInputRow).where(StepInputRow.step_key.in_(still)))
            session.execute(delete(StepRow).where(StepRow.key.in_(still)))
            forgotten += len(still)


def _unneeded() -> tuple[ColumnElement[bool], ...]:
    taken = aliased(StepInputRow)
    return (
        StepRow.state.in_([*ENDED, "waiting", "ready"]),
        ~exists().where(PipelineStepRow.step_key == StepRow.key),
        ~exists().where(taken.input_key == StepRow.key),
    )
