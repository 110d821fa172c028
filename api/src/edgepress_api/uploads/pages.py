"""Finds and lists uploads of any kind: the newest first, and each user's own."""

from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import UploadRow
from edgepress_api.database.page_tokens import read_page_token, write_page_token
from edgepress_api.uploads.kind import Page, UploadKind, View
from edgepress_common.errors import NotFoundError

Row = TypeVar("Row", bound=UploadRow)


def find_upload(session: Session, table: type[Row], sha256: str, *, owner: str | None) -> Row | None:
    """Return the row of an upload, the oldest if several users have it; None if there is none."""
    query = select(table).where(table.sha256 == sha256)
    if owner is not None:
        query = query.where(table.owner == owner)
    return session.scalars(query.order_by(table.created_at, table.owner).limit(1)).one_or_none()


def show_upload(session: Session, kind: UploadKind[View, Page], sha256: str, *, owner: str | None = None) -> View:
    """Return an upload of a user, or of any user if the owner is None.

    Raises:
        NotFoundError: There is no such upload.
    """
    row = find_upload(session, kind.row, sha256, owner=owner)
    if row is None:
        raise NotFoundError(f"{kind.noun} {sha256!r} has not been uploaded")
    return kind.shown(row)


def list_uploads(
    session: Session,
    kind: UploadKind[View, Page],
    *,
    owner: str | None = None,
    page_size: int,
    page_token: str | None = None,
) -> Page:
    """Return a page of uploads, the newest first.

    Args:
        session: The database session.
        kind: The kind of the uploads.
        owner: Only uploads of this user; None for all users.
        page_size: Maximum number of uploads on the page.
        page_token: The token of the previous page; None for the first page.

    Raises:
        InvalidQueryError: The token is not of a page with the same kind and owner.
    """
    created_at, name = kind.row.created_at, kind.row.sha256 + " " + kind.row.owner
    query = select(kind.row).order_by(created_at.desc(), name.desc()).limit(page_size + 1)
    if owner is not None:
        query = query.where(kind.row.owner == owner)
    listing = {"of": kind.resource, "owner": owner}
    if page_token is not None:
        last_moment, last_name = read_page_token(page_token, _position, **listing)
        query = query.where((created_at < last_moment) | ((created_at == last_moment) & (name < last_name)))
    rows = session.scalars(query).all()
    page, token = rows[:page_size], None
    if len(rows) > page_size:
        last = page[-1]
        token = write_page_token(f"{last.created_at.isoformat()} {last.sha256} {last.owner}", **listing)
    return kind.page.model_validate({kind.resource: [kind.shown(row) for row in page], "next_page_token": token})


def _position(text: str) -> tuple[datetime, str]:
    moment, _, name = text.partition(" ")
    return datetime.fromisoformat(moment).astimezone(UTC), name
