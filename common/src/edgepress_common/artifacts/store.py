"""The interface of an artifact store."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from edgepress_common.artifacts.reference import ArtifactRef, StoredArtifact


class ArtifactStore(Protocol):
    """A store of artifacts. All implementations pass the same contract tests."""

    def put_file(self, path: Path, media_type: str = ..., *, move: bool = ...) -> ArtifactRef:
        """Store the content of a file. Storing the same bytes again only renews the storage time.

        With ``move``, the store owns the file afterwards and may rename it instead of copying it.
        """
        ...

    def put_bytes(self, content: bytes, media_type: str = ...) -> ArtifactRef:
        """Store bytes."""
        ...

    def put_chunks(
        self, chunks: Iterable[bytes], media_type: str = ..., *, check: Callable[[Path], None] = ...
    ) -> ArtifactRef:
        """Stores what the chunks add up to; nothing is kept if they break off with an error.

        ``check`` is given the complete file before it is stored; if it raises, nothing is kept either.
        """
        ...

    def local_path(self, sha256: str) -> Path:
        """Return the path of a verified local copy of the artifact. The file must not be changed.

        Raises:
            MissingArtifactError: The artifact is not in the store.
            CorruptArtifactError: The stored bytes do not match the SHA-256.
        """
        ...

    def read(self, sha256: str, start: int, length: int) -> bytes:
        """Return a part of an artifact without reading the rest, so that the bytes are not verified.

        Args:
            sha256: Name of the artifact.
            start: Offset of the first byte.
            length: Number of bytes; fewer are returned where the artifact ends before.

        Raises:
            MissingArtifactError: The artifact is not in the store.
        """
        ...

    def has(self, sha256: str) -> bool:
        """Return whether the complete artifact is in the store."""
        ...

    def list_artifacts(self) -> Iterator[StoredArtifact]:
        """Iterate over all artifacts, in no order. Concurrent changes may or may not be included."""
        ...

    def remove(self, sha256: str, *, stored_before: datetime) -> bool:
        """Remove an artifact, unless it was stored again since ``stored_before``; return whether it was removed.

        A process that has the file open can continue to read it.
        """
        ...

    def remove_unfinished(self, *, begun_before: datetime) -> int:
        """Remove the remains of interrupted uploads that began before a time; return their number."""
        ...

    def owner(self) -> str | None:
        """Return the recorded owner of the store; None if it has no owner."""
        ...

    def claim(self, owner: str) -> str:
        """Record the owner of the store if it has none; return the owner."""
        ...

    def free_bytes(self) -> int | None:
        """Return the free space in bytes; None if the store does not know it."""
        ...
