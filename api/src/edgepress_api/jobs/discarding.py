"""Discards the result of an evaluation, so that the file is measured again."""

from datetime import datetime

from sqlalchemy import select

from edgepress_api.database import Database, PipelineRow, PipelineStepRow, StepRow
from edgepress_api.jobs.deadline import deadline_of
from edgepress_api.steps.following import follow_steps, note_job
from edgepress_api.steps.ledger import Ledger
from edgepress_common.errors import ConflictError, NotFoundError


def discard_result(database: Database, ledger: Ledger, key: str, now: datetime) -> None:
    """Discard what a device reported, for all jobs that share the evaluation.

    Jobs that have ended become active again until the evaluation has ended, except for cancelled ones.

    Raises:
        NotFoundError: There is no such step.
        ConflictError: It is not an evaluation, has no result, or was imported.
    """
    with database.write() as session:
        row = session.get(StepRow, key)
        if row is None:
            raise NotFoundError(f"no step {key!r}")
        if row.kind != "evaluation" or row.state != "succeeded":
            raise ConflictError(f"{row.title!r} is {row.kind} and {row.state}; accepted: an evaluation that succeeded")
        if row.origin_key is not None:
            raise ConflictError(f"{row.title!r} was measured on another server; accepted: an evaluation of this server")
        using = select(PipelineStepRow.pipeline_id).where(PipelineStepRow.step_key == key)
        for pipeline in session.scalars(select(PipelineRow).where(PipelineRow.id.in_(using))):
            job = pipeline.job
            if job.state == "cancelled":
                continue
            pipeline.state = "running"
            if job.finished_at is not None:
                job.state, job.finished_at, job.error = "running", None, None
                job.deadline_at = deadline_of(job.spec.limits, ledger.rules, now)
                note_job(session, job, now)
        session.flush()
        ledger.discard(session, row, now)
        follow_steps(session, [row], now)
