"""Pinned comparisons: jobs that are compared again and again, under a name.

Their jobs are not deleted by the server when their retention time is over. A user can delete them: then the comparison
has fewer jobs.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from edgepress_api.database import ComparisonJobRow, ComparisonRow, JobRow
from edgepress_api.jobs.views import SUMMARY_COLUMNS, summary_of
from edgepress_common.answers.job_list import JobSummary
from edgepress_common.answers.pinned import NewComparison, PinnedComparison, PinnedComparisons
from edgepress_common.errors import ConflictError, NotFoundError

_MOST_PINNED = 200  # of a user: the list is one answer


def pin_comparison(session: Session, new: NewComparison, now: datetime, *, owner: str) -> PinnedComparison:
    """Store a comparison, and return it. Whether the user may see its jobs is checked before.

    Raises:
        NotFoundError: A job was deleted in the meantime.
        ConflictError: The user has too many pinned comparisons.
    """
    pinned = session.scalar(select(func.count()).where(ComparisonRow.owner == owner)) or 0
    if pinned >= _MOST_PINNED:
        raise ConflictError(
            f"{owner} has {pinned} pinned comparisons; accepted: at most {_MOST_PINNED}. Delete one first"
        )
    found = session.execute(select(JobRow.id, JobRow.number).where(JobRow.id.in_(new.jobs))).all()
    numbers = {row.id: row.number for row in found}
    for job_id in new.jobs:
        if job_id not in numbers:
            raise NotFoundError(f"job {job_id!r} does not exist")
    row = ComparisonRow(id=f"cmp-{secrets.token_hex(8)}", owner=owner, name=new.name, created_at=now)
    session.add(row)
    session.flush()
    for position, job_id in enumerate(new.jobs):
        session.add(ComparisonJobRow(comparison_number=row.number, position=position, job_number=numbers[job_id]))
    session.flush()
    return _shown(session, [row])[0]


def list_pinned(session: Session, *, owner: str | None) -> PinnedComparisons:
    """Return the pinned comparisons, the newest first.

    Args:
        session: The database session.
        owner: Only of this user; None for all users.
    """
    query = select(ComparisonRow).order_by(ComparisonRow.number.desc())
    rows = session.scalars(query if owner is None else query.where(ComparisonRow.owner == owner)).all()
    return PinnedComparisons(comparisons=tuple(_shown(session, rows)))


def show_pinned(session: Session, comparison_id: str, *, owner: str | None) -> PinnedComparison:
    """Return a pinned comparison.

    Raises:
        NotFoundError: No such comparison of this user.
    """
    return _shown(session, [_required(session, comparison_id, owner)])[0]


def unpin_comparison(session: Session, comparison_id: str, *, owner: str | None) -> None:
    """Delete a pinned comparison; its jobs stay.

    Raises:
        NotFoundError: No such comparison of this user.
    """
    row = _required(session, comparison_id, owner)
    session.execute(delete(ComparisonJobRow).where(ComparisonJobRow.comparison_number == row.number))
    session.delete(row)


def _required(session: Session, comparison_id: str, owner: str | None) -> ComparisonRow:
    row = session.scalar(select(ComparisonRow).where(ComparisonRow.id == comparison_id))
    if row is None or owner not in {None, row.owner}:
        raise NotFoundError(f"comparison {comparison_id!r} does not exist")
    return row


def _shown(session: Session, rows: Sequence[ComparisonRow]) -> list[PinnedComparison]:
    """Return comparisons with their jobs, in one query for all of them."""
    query = (
        select(ComparisonJobRow.comparison_number, *SUMMARY_COLUMNS)
        .join(JobRow, JobRow.number == ComparisonJobRow.job_number)
        .where(ComparisonJobRow.comparison_number.in_([row.number for row in rows]))
        .order_by(ComparisonJobRow.comparison_number, ComparisonJobRow.position)
    )
    jobs: dict[int, list[JobSummary]] = {}
    for row in session.execute(query):
        jobs.setdefault(row.comparison_number, []).append(summary_of(row[1:]))
    return [
        PinnedComparison(
            id=row.id,
            name=row.name,
            owner=row.owner,
            created_at=row.created_at,
            jobs=tuple(jobs.get(row.number, ())),
        )
        for row in rows
    ]
