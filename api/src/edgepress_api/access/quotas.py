"""Quotas of a user: active jobs and stored bytes.

A token can have limits of its own; otherwise those of the server apply. All tokens of a user count together.
Bytes are those of their data sets and models, and of what their jobs' steps gave, each artifact once; a step that is
shared counts for each who shares it.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import Principal
from edgepress_api.access.visibility import steps_of
from edgepress_api.database import DatasetRow, JobRow, ModelRow, PipelineRow, PipelineStepRow, StepArtifactRow
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.errors import StorageQuotaError, TooManyJobsError


def check_job_fits(session: Session, who: Principal) -> None:
    """Make sure that one more job of a user is within the quotas.

    Raises:
        TooManyJobsError: They have the maximum number of active jobs.
        StorageQuotaError: They have stored the maximum number of bytes; a job stores more.
    """
    if who.max_jobs is not None:
        mine = select(func.count()).select_from(JobRow).where(JobRow.owner == who.user, JobRow.state.in_(ACTIVE_STATES))
        count = session.scalar(mine) or 0
        if count >= who.max_jobs:
            raise TooManyJobsError(
                f"{who.user} has {count} active jobs; accepted: {who.max_jobs} at once, so wait for one to end"
            )
    left = bytes_left(session, who)
    if left is not None and left <= 0:
        raise quota_exceeded(who)


def bytes_left(session: Session, who: Principal) -> int | None:
    """Return the bytes that a user can still store; None for any number."""
    if who.max_bytes is None:
        return None
    uploaded = sum(
        int(session.scalar(select(func.sum(kind.size_bytes)).where(kind.owner == who.user)) or 0)
        for kind in (DatasetRow, ModelRow)
    )
    given = (
        select(StepArtifactRow.sha256, func.max(StepArtifactRow.size_bytes).label("size_bytes"))
        .where(StepArtifactRow.step_key.in_(steps_of(who.user)))
        .group_by(StepArtifactRow.sha256)
        .subquery()
    )
    return who.max_bytes - uploaded - int(session.scalar(select(func.sum(given.c.size_bytes))) or 0)


def most_bytes_of_step(session: Session, step_key: str) -> int | None:
    """Return the bytes that a step may give: the most that one of the users who want it can still store.

    Args:
        session: The database session.
        step_key: Key of the step.

    Returns:
        At least 0; None for any number.
    """
    wanted = (
        select(JobRow.owner, JobRow.max_bytes)
        .join(PipelineRow, PipelineRow.job_number == JobRow.number)
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .where(PipelineStepRow.step_key == step_key, JobRow.state.in_(ACTIVE_STATES))
        .distinct()
    )
    limits = [
        bytes_left(session, Principal(user=owner, scopes=frozenset(), max_bytes=max_bytes))
        for owner, max_bytes in session.execute(wanted)
    ]
    known = [max(limit, 0) for limit in limits if limit is not None]
    return max(known) if known and len(known) == len(limits) else None


def quota_exceeded(who: Principal) -> StorageQuotaError:
    """Return the error that a user has stored the maximum number of bytes."""
    return StorageQuotaError(
        f"{who.user} may store {who.max_bytes} bytes, and this would be more; accepted: less, once jobs and "
        "uploads that are no longer needed are deleted"
    )
