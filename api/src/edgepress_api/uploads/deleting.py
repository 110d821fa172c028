"""Deletes what users have uploaded. The bytes go when nothing else refers to them."""

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, UploadRow
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.errors import ConflictError, NotFoundError

_MOST_NAMED = 5


def delete_upload(session: Session, table: type[UploadRow], sha256: str, *, owner: str | None) -> None:
    """Delete an upload of a user; with None as the owner, of all users who have uploaded it.

    Raises:
        NotFoundError: There is no such upload.
        ConflictError: Active jobs use it; they are named.
    """
    query = select(table).where(table.sha256 == sha256)
    rows = session.scalars(query if owner is None else query.where(table.owner == owner)).all()
    if not rows:
        raise NotFoundError(f"no upload {sha256!r}")
    # Wherever it stands in a spec: as the data set, as the network, or as a teacher.
    active = select(JobRow.id).where(
        JobRow.owner.in_([row.owner for row in rows]),
        JobRow.state.in_(ACTIVE_STATES),
        cast(JobRow.spec, Text).contains(sha256),
    )
    if using := session.scalars(active.order_by(JobRow.number)).all():
        more = f" and {len(using) - _MOST_NAMED} more" if len(using) > _MOST_NAMED else ""
        raise ConflictError(
            f"{sha256} is used by active jobs: {', '.join(using[:_MOST_NAMED])}{more}; "
            "accepted: an upload that no active job uses, so wait for them to end or cancel them"
        )
    for row in rows:
        session.delete(row)
