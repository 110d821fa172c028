"""How much of a server one user may have: jobs under way, and bytes stored.

A token can have limits of its own; else the server's hold. What is counted is the user's: all their tokens together.
Bytes are those of their data sets and models, and of what their jobs' steps gave, each artifact once; a step that is
shared counts for each who shares it.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import Principal
from edgepress_api.access.visibility import steps_of
from edgepress_api.database import DatasetRow, JobRow, ModelRow, StepArtifactRow
from edgepress_api.database.tables import JobState
from edgepress_common.errors import StorageQuotaError, TooManyJobsError

_UNDER_WAY: tuple[JobState, ...] = ("queued", "running")


def check_job_fits(session: Session, who: Principal) -> None:
    """Sees to it that one more job of a user's fits.

    Raises:
        TooManyJobsError: They have as many under way as they may.
        StorageQuotaError: They have stored as much as they may; a job stores more.
    """
    if who.max_jobs is not None:
        mine = select(func.count()).select_from(JobRow).where(JobRow.owner == who.user, JobRow.state.in_(_UNDER_WAY))
        count = session.scalar(mine) or 0
        if count >= who.max_jobs:
            raise TooManyJobsError(
                f"{who.user} has {count} jobs under way; accepted: {who.max_jobs} at once, so wait for one to end"
            )
    left = bytes_left(session, who)
    if left is not None and left <= 0:
        raise _full(who)


def bytes_left(session: Session, who: Principal) -> int | None:
    """How much more a user may store; None for any amount."""
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


def within(chunks: Iterable[bytes], left: int | None, who: Principal) -> Iterator[bytes]:
    """The same bytes, broken off at the one that is too many.

    Raises:
        StorageQuotaError: There is one.
    """
    count = 0
    for chunk in chunks:
        count += len(chunk)
        if left is not None and count > left:
            raise _full(who)
        yield chunk


def _full(who: Principal) -> StorageQuotaError:
    return StorageQuotaError(
        f"{who.user} may store {who.max_bytes} bytes, and this would be more; accepted: less, once jobs that are no "
        "longer needed are deleted"
    )
