"""Pages of what users have uploaded, data sets and models alike: the newest first, and each user's own."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import DatasetRow, ModelRow
from edgepress_common.errors import FieldProblem, InvalidSpecError

Upload = TypeVar("Upload", DatasetRow, ModelRow)


def find_upload(session: Session, kind: type[Upload], sha256: str, *, owner: str | None) -> Upload | None:
    """The row of an upload, the oldest if several users have it; None if there is none."""
    query = select(kind).where(kind.sha256 == sha256)
    if owner is not None:
        query = query.where(kind.owner == owner)
    return session.scalars(query.order_by(kind.created_at, kind.owner).limit(1)).one_or_none()


def page_of_uploads(
    session: Session, kind: type[Upload], *, owner: str | None, page_size: int, page_token: str | None
) -> tuple[Sequence[Upload], str | None]:
    """A page of uploads, and the token of the next; None on the last.

    Args:
        session: To read with.
        kind: Of what.
        owner: Only this user's; None for everybody's.
        page_size: Uploads on it at the most.
        page_token: Where the page before it ended; None for the first.

    Raises:
        InvalidSpecError: The token is none that a page ended with.
    """
    created_at, name = kind.created_at, kind.sha256 + " " + kind.owner
    query = select(kind).order_by(created_at.desc(), name.desc()).limit(page_size + 1)
    if owner is not None:
        query = query.where(kind.owner == owner)
    if page_token is not None:
        last_moment, last_name = _read_token(page_token)
        query = query.where((created_at < last_moment) | ((created_at == last_moment) & (name < last_name)))
    rows = session.scalars(query).all()
    page = rows[:page_size]
    return page, _write_token(page[-1]) if len(rows) > page_size else None


def _write_token(row: DatasetRow | ModelRow) -> str:
    return base64.urlsafe_b64encode(f"{row.created_at.isoformat()} {row.sha256} {row.owner}".encode()).decode()


def _read_token(token: str) -> tuple[datetime, str]:
    try:
        moment, _, name = base64.urlsafe_b64decode(token.encode()).decode("ascii").partition(" ")
        return datetime.fromisoformat(moment).astimezone(UTC), name
    except (binascii.Error, ValueError, OverflowError):
        raise InvalidSpecError(
            [FieldProblem(field="page_token", value=token, message="not a page token", accepted="a next_page_token")]
        ) from None
