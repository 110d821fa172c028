"""Deletes jobs past their retention time, and steps that no job needs.

Jobs share steps, so deleting a job leaves its steps behind. Steps that no pipeline needs are deleted here: first the
steps that are not an input of another step, then their inputs, and so on. A step that is sent or running is kept.

Each transaction is short, because others wait for it.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import aliased

from edgepress_api.database import ComparisonJobRow, Database, JobRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.jobs.ending import forget_job
from edgepress_api.steps.states import ENDED
from edgepress_common.answers.job_list import ACTIVE_STATES

_JOBS_AT_ONCE = 20
_STEPS_AT_ONCE = 500


def delete_old_jobs(database: Database, now: datetime, retention: timedelta) -> int:
    """Delete jobs that ended at least this long ago, as their owners could; return how many.

    Jobs of pinned comparisons are kept.
    """
    deleted = 0
    old = (
        func.coalesce(JobRow.imported_at, JobRow.finished_at) <= now - retention,
        JobRow.state.not_in(ACTIVE_STATES),
        ~exists().where(ComparisonJobRow.job_number == JobRow.number),
    )
    while True:
        with database.read() as session:
            numbers = session.scalars(select(JobRow.number).where(*old).limit(_JOBS_AT_ONCE)).all()
        if not numbers:
            return deleted
        with database.write() as session:
            # Checked again: a job may have been retried in the meantime.
            for job in session.scalars(select(JobRow).where(JobRow.number.in_(numbers), *old)):
                forget_job(session, job)
                deleted += 1


def delete_unreferenced_steps(database: Database) -> int:
    """Delete the steps that no job needs; return how many."""
    deleted = 0
    while True:
        with database.read() as session:
            keys = session.scalars(select(StepRow.key).where(*_unreferenced()).limit(_STEPS_AT_ONCE)).all()
        if not keys:
            return deleted
        with database.write() as session:
            # Checked again: a new job may need one of them now.
            still = session.scalars(select(StepRow.key).where(StepRow.key.in_(keys), *_unreferenced())).all()
            session.execute(delete(StepInputRow).where(StepInputRow.step_key.in_(still)))
            session.execute(delete(StepRow).where(StepRow.key.in_(still)))
            deleted += len(still)


def _unreferenced() -> tuple[ColumnElement[bool], ...]:
    taken = aliased(StepInputRow)
    return (
        StepRow.state.in_([*ENDED, "waiting", "ready"]),
        ~exists().where(PipelineStepRow.step_key == StepRow.key),
        ~exists().where(taken.input_key == StepRow.key),
    )
