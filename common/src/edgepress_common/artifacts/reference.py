"""References to artifacts, independent of a store."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from edgepress_common.errors import EdgepressError, NotFoundError
from edgepress_common.frozen import Message

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

NAME = re.compile(r"[0-9a-f]{64}")
OWNER = "owner"  # name under which a store records the database that owns it, next to the artifacts


class ArtifactRef(Message):
    """A reference to an artifact.

    Attributes:
        sha256: SHA-256 of the bytes in lower-case hex, which is the artifact's name.
        size_bytes: Size in bytes.
        media_type: Media type, such as ``application/x-npy``.
    """

    sha256: Sha256
    size_bytes: int
    media_type: str = "application/octet-stream"


class StoredArtifact(Message):
    """An artifact as a store lists it.

    Attributes:
        sha256: Name of the artifact.
        size_bytes: Size in bytes.
        stored_at: Time at which it was last stored, by the clock of the store.
    """

    sha256: Sha256
    size_bytes: int
    stored_at: datetime


class MissingArtifactError(NotFoundError):
    """The store has no such artifact.

    Attributes:
        sha256: Name of the artifact.
    """

    def __init__(self, message: str, sha256: str) -> None:
        self.sha256 = sha256
        super().__init__(message)


class CorruptArtifactError(EdgepressError):
    """The stored bytes do not match the artifact's name.

    Attributes:
        sha256: Name of the artifact.
    """

    def __init__(self, sha256: str, found: str) -> None:
        self.sha256 = sha256
        super().__init__(f"artifact {sha256} is damaged: its bytes have the SHA-256 {found}")
