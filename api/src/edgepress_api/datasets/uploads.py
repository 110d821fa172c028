"""Data sets that are sent to the gateway: archives of class folders, kept as artifacts and listed by name."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from edgepress_api.access.principal import LOCAL, Principal, UserName
from edgepress_api.access.quotas import bytes_left, within
from edgepress_api.database import Database, DatasetRow
from edgepress_api.upload_pages import find_upload, page_of_uploads
from edgepress_common.artifacts import ArtifactStore, Sha256
from edgepress_common.errors import InvalidInputError, NotFoundError
from edgepress_common.frozen import Frozen

# How the archives that the worker unpacks begin, or what stands at a place near the beginning.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (257, b"ustar", "application/x-tar"),
)
ARCHIVE_TYPES = tuple(media_type for _, _, media_type in _SIGNATURES)
_BEGINNING_BYTES = 512  # a tar's first block, which the last of the signatures lies in


class UploadReference(Frozen):
    """What a spec's ``dataset`` says of an upload; an ``image_size`` has to be added."""

    kind: Literal["upload"] = "upload"
    sha256: Sha256


class DatasetView(Frozen):
    """An uploaded data set.

    Attributes:
        sha256: Its name.
        owner: The user who uploaded it.
        name: For people.
        media_type: Which kind of archive it is.
        size_bytes: Of the archive.
        created_at: When it was first uploaded.
        dataset: To be put into a spec as ``dataset``, with an ``image_size``.
    """

    sha256: Sha256
    owner: UserName
    name: str
    media_type: str
    size_bytes: int
    created_at: datetime
    dataset: UploadReference


class DatasetPage(Frozen):
    """A page of data sets, the newest first. ``next_page_token`` is None on the last."""

    datasets: tuple[DatasetView, ...]
    next_page_token: str | None


def store_upload(
    database: Database,
    store: ArtifactStore,
    chunks: Iterable[bytes],
    *,
    name: str,
    now: datetime,
    by: Principal = LOCAL,
) -> tuple[DatasetView, bool]:
    """Keeps an archive, and tells whether it is new to its owner; one that is known to them keeps its first name.

    Args:
        database: Where it is listed.
        store: Where it is kept.
        chunks: Its bytes, as they come in. If they break off with an error, nothing is kept.
        name: For people.
        now: The moment.
        by: The user who uploads it.

    Raises:
        InvalidInputError: It is empty, or no archive.
        StorageQuotaError: It is more than the user may store.
    """
    with database.read() as session:
        left = bytes_left(session, by)
    rest = within(chunks, left, by)
    beginning = _beginning(rest)
    media_type = _archive_type(beginning)
    reference = store.put_chunks(_both(beginning, rest), media_type)
    with database.write() as session:
        row = session.get(DatasetRow, (by.user, reference.sha256))
        is_new = row is None
        if row is None:
            row = DatasetRow(
                owner=by.user,
                sha256=reference.sha256,
                name=name,
                media_type=media_type,
                size_bytes=reference.size_bytes,
                created_at=now,
            )
            session.add(row)
        return _view(row), is_new


def show_dataset(session: Session, sha256: str, *, owner: str | None = None) -> DatasetView:
    """An uploaded data set: a user's, or with None anybody's.

    Raises:
        NotFoundError: No such upload.
    """
    row = find_upload(session, DatasetRow, sha256, owner=owner)
    if row is None:
        raise NotFoundError(f"no data set {sha256!r} has been uploaded")
    return _view(row)


def list_datasets(
    session: Session, *, owner: str | None = None, page_size: int, page_token: str | None = None
) -> DatasetPage:
    """A page of uploaded data sets, the newest first.

    Args:
        session: To read with.
        owner: Only this user's; None for everybody's.
        page_size: Data sets on it at the most.
        page_token: Where the page before it ended; None for the first.

    Raises:
        InvalidSpecError: The token is none that a page ended with.
    """
    rows, next_page_token = page_of_uploads(
        session, DatasetRow, owner=owner, page_size=page_size, page_token=page_token
    )
    return DatasetPage(datasets=tuple(_view(row) for row in rows), next_page_token=next_page_token)


def _beginning(chunks: Iterator[bytes]) -> bytes:
    beginning = b""
    for chunk in chunks:
        beginning += chunk
        if len(beginning) >= _BEGINNING_BYTES:
            break
    return beginning


def _archive_type(beginning: bytes) -> str:
    if not beginning:
        raise InvalidInputError("the upload is empty; accepted: a zip or tar of class folders")
    for place, signature, media_type in _SIGNATURES:
        if beginning.startswith(signature, place):
            return media_type
    raise InvalidInputError(
        f"the upload begins with {beginning[:8]!r}, which no archive does that can be read; "
        "accepted: a zip or tar of class folders, the tar plain or compressed with gzip, bzip2 or xz"
    )


def _both(beginning: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield beginning
    yield from rest


def _view(row: DatasetRow) -> DatasetView:
    return DatasetView(
        sha256=row.sha256,
        owner=row.owner,
        name=row.name,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        dataset=UploadReference(sha256=row.sha256),
    )
