"""A cache of downloaded artifacts. Models differ, but all evaluations of a job use the same validation pack."""

import errno
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgepress_common.artifacts import ArtifactRef, CorruptArtifactError
from edgepress_common.errors import EdgepressError

Download = Callable[[ArtifactRef, Path], None]

_UNFINISHED = ".part"
_ARTIFACT = re.compile(rf"[0-9a-f]{{64}}({re.escape(_UNFINISHED)})?")  # the folder has other files, too
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}
_MEGABYTE = 1_000_000

_log = logging.getLogger(__name__)


class DeviceProblemError(EdgepressError):
    """The device can't measure at the moment, for a reason of its own: its disk is full or can't be written."""


class ArtifactCache:
    """A folder of artifacts by SHA-256, with a size limit; it evicts the least recently used.

    The modification time of a file is when it was last used. A process verifies a file at its first use, because memory
    cards may lose data. Only one evaluator may use a folder at a time.

    Args:
        folder: The cache folder; created if it does not exist.
        limit_bytes: Maximum size in bytes, not counting the artifacts of the current request.
        free_bytes: Returns the free space of the disk that a folder is on, in bytes.
    """

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._free_bytes = free_bytes
        self._verified: set[str] = set()
        self._lacking: tuple[ArtifactRef, ...] = ()

    def fetch(self, references: Sequence[ArtifactRef], download: Download) -> list[Path]:
        """Return the paths of the artifacts, in the same order, after downloading missing ones.

        Args:
            references: All artifacts that are needed at once; none of them is evicted for another.
            download: Function that downloads an artifact to a file. The file may contain the beginning already.

        Raises:
            CorruptArtifactError: The downloaded bytes do not match the SHA-256.
            DeviceProblemError: The disk is full, or can't be written.
        """
        with self._disk_errors(references):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._evict(references)
            return [self._fetch(reference, download) for reference in references]

    def problem(self) -> str | None:
        """Return why artifacts can't be stored now; None if they can. Nothing is written to find out.

        After a `DeviceProblemError`, the disk is too full until it has space for the artifacts that did not fit.
        """
        folder = next(each for each in (self._folder, *self._folder.absolute().parents) if each.exists())
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            return self._described(OSError(errno.EROFS, os.strerror(errno.EROFS)))
        if not os.access(folder, os.W_OK):
            return self._described(PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
        if not self._folder.exists():
            return None
        missing, evictable = self._missing_bytes(self._lacking), sum(map(_size, self._others(self._lacking)))
        free = self._free_bytes(folder) + evictable
        return None if missing <= free else self._too_full(missing, free)

    def path_of(self, reference: ArtifactRef) -> Path:
        """Return the path that an artifact has once it is fetched."""
        return self._folder / reference.sha256

    def _fetch(self, reference: ArtifactRef, download: Download) -> Path:
        path = self.path_of(reference)
        if not self._holds(reference.sha256, path):
            unfinished = path.with_suffix(_UNFINISHED)
            download(reference, unfinished)
            found = _sha256(unfinished)
            if found != reference.sha256:
                unfinished.unlink()
                raise CorruptArtifactError(reference.sha256, found)
            unfinished.rename(path)
            self._verified.add(reference.sha256)
        os.utime(path)
        return path

    def _holds(self, sha256: str, path: Path) -> bool:
        if not path.is_file():
            return False
        if sha256 not in self._verified:
            if _sha256(path) != sha256:
                _log.warning("the cached artifact %s is corrupt and is downloaded again", sha256)
                path.unlink()
                return False
            self._verified.add(sha256)
        return True

    @contextmanager
    def _disk_errors(self, references: Sequence[ArtifactRef]) -> Iterator[None]:
        """Raise errors of the disk as `DeviceProblemError`, and remember the artifacts that did not fit."""
        self._lacking = tuple(references)
        try:
            yield
        except OSError as error:
            if error.errno not in _DISK_ERRORS:
                raise
            raise DeviceProblemError(self._described(error)) from error
        self._lacking = ()

    def _evict(self, references: Sequence[ArtifactRef]) -> None:
        """Delete the least recently used artifacts, until both the limit and the disk have space for these."""
        others = sorted(self._others(references), key=lambda path: path.stat().st_mtime_ns)
        needed = sum({reference.sha256: reference.size_bytes for reference in references}.values())
        missing = self._missing_bytes(references)
        excess = max(needed + sum(map(_size, others)) - self._limit_bytes, missing - self._free_bytes(self._folder))
        for path in others:
            if excess <= 0:
                break
            excess -= _size(path)
            path.unlink()
        free = self._free_bytes(self._folder)
        if missing > free:
            raise DeviceProblemError(self._too_full(missing, free))

    def _others(self, references: Sequence[ArtifactRef]) -> list[Path]:
        needed = {reference.sha256 for reference in references}
        return [path for path in self._folder.iterdir() if _ARTIFACT.fullmatch(path.name) and path.stem not in needed]

    def _missing_bytes(self, references: Sequence[ArtifactRef]) -> int:
        """Return the bytes that are still to be stored of these artifacts, each counted once."""
        missing = {}
        for reference in references:
            path = self.path_of(reference)
            if not path.exists():
                unfinished = path.with_suffix(_UNFINISHED)
                missing[reference.sha256] = reference.size_bytes - (_size(unfinished) if unfinished.exists() else 0)
        return sum(max(each, 0) for each in missing.values())

    def _too_full(self, missing: int, free: int) -> str:
        return (
            f"the disk of {self._folder} is too full: an evaluation needs {missing / _MEGABYTE:.1f} MB, and "
            f"{free / _MEGABYTE:.1f} MB can be used"
        )

    def _described(self, error: OSError) -> str:
        return f"{self._folder} can't be written: {error.strerror}"


def _size(path: Path) -> int:
    return path.stat().st_size


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
