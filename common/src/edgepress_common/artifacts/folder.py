"""Artifacts as files in a folder.

Writes are atomic: the bytes go to a temporary file in the same file system, are hashed on the way, flushed to disk and
renamed. A process verifies a file when it first reads it: a file whose bytes do not match its name is reported and
never returned.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edgepress_common.artifacts.reference import (
    NAME,
    OWNER,
    ArtifactRef,
    CorruptArtifactError,
    MissingArtifactError,
    StoredArtifact,
)

_CHUNK_BYTES = 1 << 20  # large enough to hash at full speed, small enough not to matter in memory


class FolderStore:
    """Artifacts as files in a folder, two levels deep (``ab/abcd...``).

    Several processes, and several machines with a shared volume, may use one folder at once: renaming is atomic, and
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
                # Two mounts of one file system, such as container volumes, look the same but do not allow a move.
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

    def put_chunks(
        self,
        chunks: Iterable[bytes],
        media_type: str = "application/octet-stream",
        *,
        check: Callable[[Path], None] = lambda _: None,
    ) -> ArtifactRef:
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
                check(incoming)
            except BaseException as error:
                incoming.unlink()
                if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
                    # Which disk is full can be told neither from the error nor from what the caller was doing.
                    raise OSError(error.errno, f"artifact store {self._folder}", str(incoming)) from error
                raise
        self._rename(incoming, digest.hexdigest())
        return ArtifactRef(sha256=digest.hexdigest(), size_bytes=size_bytes, media_type=media_type)

    def local_path(self, sha256: str) -> Path:
        """See `ArtifactStore.local_path`. A file is hashed once per process, and again if it has changed."""
        path = self._place(sha256)
        try:
            status = path.stat()
        except FileNotFoundError:
            raise MissingArtifactError(f"no artifact {sha256} in the store", sha256) from None
        mark = (sha256, status.st_mtime_ns, status.st_size)
        if mark not in self._verified:
            with path.open("rb") as source:
                found = hashlib.file_digest(source, "sha256").hexdigest()
            if found != sha256:
                # It is of no use to anyone, and the step that makes it again must not find it there.
                with suppress(OSError):
                    self.remove(sha256, stored_before=_just_after(status))
                raise CorruptArtifactError(sha256, found)
            self._verified.add(mark)
        return path

    def read(self, sha256: str, start: int, length: int) -> bytes:
        """See `ArtifactStore.read`."""
        try:
            with self._place(sha256).open("rb") as source:
                source.seek(start)
                return source.read(length)
        except FileNotFoundError:
            raise MissingArtifactError(f"no artifact {sha256} in the store", sha256) from None

    def has(self, sha256: str) -> bool:
        """See `ArtifactStore.has`."""
        return self._place(sha256).is_file()

    def list_artifacts(self) -> Iterator[StoredArtifact]:
        """See `ArtifactStore.list_artifacts`."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            if NAME.fullmatch(path.name):
                with suppress(FileNotFoundError):  # removed since it was listed
                    status = path.stat()
                    yield StoredArtifact(
                        sha256=path.name,
                        size_bytes=status.st_size,
                        stored_at=datetime.fromtimestamp(status.st_mtime, UTC),
                    )

    def remove(self, sha256: str, *, stored_before: datetime) -> bool:
        """See `ArtifactStore.remove`.

        The file is moved aside first and checked afterwards. If it was stored again just before the move, it is moved
        back; if it was stored again just after, the new file is at its place and is not touched.
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
        """See `ArtifactStore.remove_unfinished`. The time of the latest write counts as the time that it began."""
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
        """See `ArtifactStore.claim`. Of several concurrent claims, one succeeds."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._incoming, encoding="utf-8") as written:
            written.write(f"{owner}\n")
            written.flush()
            os.fsync(written.fileno())
            with suppress(FileExistsError):
                os.link(written.name, self._folder / OWNER)  # unlike a rename, a link never replaces an existing file
        return self.owner() or owner

    def free_bytes(self) -> int | None:
        """See `ArtifactStore.free_bytes`: the free space of the disk with the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _rename(self, path: Path, sha256: str) -> None:
        place = self._place(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.chmod(0o444)
        os.utime(path)  # the storage time is now, even if the file was written earlier
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


def _just_after(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC) + timedelta(microseconds=1)
