"""Immutable bytes, named by their SHA-256, what a store of them promises, and the folder that keeps them.

An artifact is written once, whole or not at all: bytes go to a temporary file beside their place, are hashed on the
way, flushed to disk and renamed. It is verified when it is first read by a process: a file whose bytes no longer match
its name is reported, never handed out.

Which store there is, a setting says: see `edgepress_common.artifacts_address`.
"""

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import StringConstraints

from edgepress_common.errors import EdgepressError, NotFoundError
from edgepress_common.frozen import Frozen

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

NAME = re.compile(r"[0-9a-f]{64}")
OWNER = "owner"  # where a store keeps whose it is, beside its artifacts

_CHUNK_BYTES = 1 << 20  # large enough to hash at full speed, small enough not to matter in memory


class ArtifactRef(Frozen):
    """Where to find an artifact, and how much of it there is.

    Attributes:
        sha256: Its name, in lower-case hex.
        size_bytes: Its length.
        media_type: What kind of bytes, as in ``application/x-npy``.
    """

    sha256: Sha256
    size_bytes: int
    media_type: str = "application/octet-stream"


class StoredArtifact(Frozen):
    """What a store says of an artifact that it keeps.

    Attributes:
        sha256: Its name.
        size_bytes: Its length.
        stored_at: When it was last put, by the store's clock.
    """

    sha256: Sha256
    size_bytes: int
    stored_at: datetime


class CorruptArtifactError(EdgepressError):
    """Stored bytes no longer match their name."""


class ArtifactStore(Protocol):
    """Keeps artifacts. Every implementation passes the same contract tests."""

    def put_file(self, path: Path, media_type: str = ..., *, move: bool = ...) -> ArtifactRef:
        """Stores the file's bytes. Storing the same bytes again changes nothing but when they were stored.

        With ``move``, the file is the store's afterwards, and may have been renamed into it instead of copied.
        """
        ...

    def put_bytes(self, content: bytes, media_type: str = ...) -> ArtifactRef:
        """Stores the bytes given."""
        ...

    def put_chunks(self, chunks: Iterable[bytes], media_type: str = ...) -> ArtifactRef:
        """Stores what the chunks add up to; nothing is kept if they break off with an error."""
        ...

    def local_path(self, sha256: str) -> Path:
        """A file on this machine that holds the artifact, verified; it must not be changed.

        Raises:
            NotFoundError: The store has no such artifact.
            CorruptArtifactError: It has, but the bytes are not those it was named for.
        """
        ...

    def has(self, sha256: str) -> bool:
        """Whether the artifact is there, whole."""
        ...

    def list_artifacts(self) -> Iterator[StoredArtifact]:
        """All that is there, in no order. What comes or goes meanwhile may be among them or not."""
        ...

    def remove(self, sha256: str, *, stored_before: datetime) -> bool:
        """Removes an artifact, unless it has been put since; tells whether it did.

        Whoever has its file open can go on reading it.
        """
        ...

    def remove_unfinished(self, *, begun_before: datetime) -> int:
        """Removes what was being put when whoever put it was killed; returns how many."""
        ...

    def owner(self) -> str | None:
        """Whose store it is, if that has been written down."""
        ...

    def claim(self, owner: str) -> str:
        """Writes down whose store it is, unless that has been done; returns whose it is now."""
        ...

    def free_bytes(self) -> int | None:
        """Room that is left; None where nothing tells."""
        ...


class FolderStore:
    """Artifacts as files of a folder, two levels deep (``ab/abcd...``).

    Several processes, and several machines over a shared volume, may use one folder at once: renaming is atomic, and
    equal names mean equal bytes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._verified: set[tuple[str, int, int]] = set()

    def put_file(self, path: Path, media_type: str = "application/octet-stream", *, move: bool = False) -> ArtifactRef:
        """See `ArtifactStore.put_file`."""
        if move and self._same_filesystem(path):
            with path.open("rb") as source:
                sha256 = hashlib.file_digest(source, "sha256").hexdigest()
                os.fsync(source.fileno())
            size_bytes = path.stat().st_size
            try:
                self._rename(path, sha256)
                return ArtifactRef(sha256=sha256, size_bytes=size_bytes, media_type=media_type)
            except OSError as error:
                # Two mounts of one filesystem, as containers' volumes are: what looks like one can't be moved between.
                if error.errno != errno.EXDEV:
                    raise
        with path.open("rb") as source:
            reference = self.put_chunks(iter(lambda: source.read(_CHUNK_BYTES), b""), media_type)
        if move:
            path.unlink()
        return reference

    def put_bytes(self, content: bytes, media_type: str = "application/octet-stream") -> ArtifactRef:
        """See `ArtifactStore.put_bytes`."""
        return self.put_chunks([content], media_type)

    def put_chunks(self, chunks: Iterable[bytes], media_type: str = "application/octet-stream") -> ArtifactRef:
        """See `ArtifactStore.put_chunks`."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        size_bytes = 0
        with tempfile.NamedTemporaryFile(dir=self._incoming, delete=False) as target:
            incoming = Path(target.name)
            try:
                for chunk in chunks:
                    digest.update(chunk)
                    size_bytes += len(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            except BaseException:
                incoming.unlink()
                raise
        self._rename(incoming, digest.hexdigest())
        return ArtifactRef(sha256=digest.hexdigest(), size_bytes=size_bytes, media_type=media_type)

    def local_path(self, sha256: str) -> Path:
        """See `ArtifactStore.local_path`. Hashes a file once per process, and again if it has changed since."""
        path = self._place(sha256)
        try:
            status = path.stat()
        except FileNotFoundError:
            raise NotFoundError(f"no artifact {sha256} in the store") from None
        mark = (sha256, status.st_mtime_ns, status.st_size)
        if mark not in self._verified:
            with path.open("rb") as source:
                found = hashlib.file_digest(source, "sha256").hexdigest()
            if found != sha256:
                raise CorruptArtifactError(f"artifact {sha256} holds other bytes than it was stored with ({found})")
            self._verified.add(mark)
        return path

    def has(self, sha256: str) -> bool:
        """See `ArtifactStore.has`."""
        return self._place(sha256).is_file()

    def list_artifacts(self) -> Iterator[StoredArtifact]:
        """See `ArtifactStore.list_artifacts`."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            if NAME.fullmatch(path.name):
                with suppress(FileNotFoundError):  # removed since it was found
                    status = path.stat()
                    yield StoredArtifact(
                        sha256=path.name,
                        size_bytes=status.st_size,
                        stored_at=datetime.fromtimestamp(status.st_mtime, UTC),
                    )

    def remove(self, sha256: str, *, stored_before: datetime) -> bool:
        """See `ArtifactStore.remove`.

        The file is first moved aside and only then looked at: if it was put anew just before that, it is put back;
        if just after, the new one has taken its place and is left alone.
        """
        place, aside = self._place(sha256), self._incoming / f"{sha256}.{os.getpid()}"
        try:
            if _is_as_new(place, stored_before):
                return False
            self._incoming.mkdir(exist_ok=True)
            place.rename(aside)
            if _is_as_new(aside, stored_before):
                aside.rename(place)
                return False
        except FileNotFoundError:
            return False
        aside.unlink(missing_ok=True)
        return True

    def remove_unfinished(self, *, begun_before: datetime) -> int:
        """See `ArtifactStore.remove_unfinished`. What has been written to since counts as begun since."""
        removed = 0
        for path in self._incoming.glob("*"):
            with suppress(FileNotFoundError):
                if not _is_as_new(path, begun_before):
                    path.unlink()
                    removed += 1
        return removed

    def owner(self) -> str | None:
        """See `ArtifactStore.owner`: the text of a file in the folder."""
        try:
            return (self._folder / OWNER).read_text("utf-8").strip()
        except FileNotFoundError:
            return None

    def claim(self, owner: str) -> str:
        """See `ArtifactStore.claim`. Of several who claim it at once, one gets it."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._incoming, encoding="utf-8") as written:
            written.write(f"{owner}\n")
            written.flush()
            os.fsync(written.fileno())
            with suppress(FileExistsError):
                os.link(written.name, self._folder / OWNER)  # unlike a rename, this takes nobody's place
        return self.owner() or owner

    def free_bytes(self) -> int | None:
        """See `ArtifactStore.free_bytes`: of the disk that holds the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _rename(self, path: Path, sha256: str) -> None:
        place = self._place(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.chmod(0o444)
        os.utime(path)  # stored now, however long ago it was written
        path.replace(place)
        directory = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(directory)  # the name must survive a power cut as well as the bytes
        finally:
            os.close(directory)

    def _same_filesystem(self, path: Path) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        return path.stat().st_dev == self._folder.stat().st_dev


def _is_as_new(path: Path, moment: datetime) -> bool:
    return path.stat().st_mtime >= moment.timestamp()
