"""Stores what users upload: the file as an artifact, and a row that lists it for its owner."""

from collections.abc import Iterable
from datetime import datetime

from edgepress_api.access.principal import LOCAL, Principal
from edgepress_api.database import Database
from edgepress_api.uploads.kind import Page, UploadKind, View
from edgepress_api.uploads.reservations import reservation
from edgepress_common.artifacts import ArtifactStore


def store_upload(
    kind: UploadKind[View, Page],
    database: Database,
    store: ArtifactStore,
    chunks: Iterable[bytes],
    *,
    name: str,
    now: datetime,
    by: Principal = LOCAL,
    announced_bytes: int = 0,
) -> tuple[View, bool]:
    """Store an upload, and return whether it is new to its owner. A file uploaded again keeps its first name.

    Args:
        kind: The kind of the upload.
        database: The database that lists it.
        store: The artifact store.
        chunks: Its bytes as they arrive. If the iterator raises an error, nothing is stored.
        name: The display name.
        now: The current time.
        by: The user who uploads it.
        announced_bytes: Length that the client announces; 0 for none.

    Raises:
        InvalidInputError: The file is not accepted.
        StorageQuotaError: It exceeds the user's storage quota.
    """
    with reservation(database, by, announced_bytes) as reserved:
        artifact, properties = kind.put(store, reserved.counted(chunks))
        with database.write() as session:
            row = session.get(kind.row, (by.user, artifact.sha256))
            is_new = row is None
            if row is None:
                row = kind.row(
                    owner=by.user,
                    sha256=artifact.sha256,
                    name=name,
                    size_bytes=artifact.size_bytes,
                    created_at=now,
                    **properties,
                )
                session.add(row)
            return kind.shown(row), is_new
