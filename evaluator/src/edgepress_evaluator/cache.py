"""A cache of downloaded artifacts. Models differ, but all evaluations of a job use the same validation pack."""

import hashlib
import logging
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from edgepress_common.artifacts import ArtifactRef, CorruptArtifactError

Download = Callable[[ArtifactRef, Path], None]

_UNFINISHED = ".part"
_ARTIFACT = re.compile(rf"[0-9a-f]{{64}}({re.escape(_UNFINISHED)})?")  # the folder has other files, too

_log = logging.getLogger(__name__)


class ArtifactCache:
    """A folder of artifacts by SHA-256, with a size limit; it evicts the least recently used.

    The modification time of a file is when it was last used. A process verifies a file at its first use, because memory
    cards may lose data. Only one evaluator may use a folder at a time.

    Args:
        folder: The cache folder; created if it does not exist.
        limit_bytes: Maximum size in bytes, not counting the artifacts of the current request.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._verified: set[str] = set()

    def fetch(self, references: Sequence[ArtifactRef], download: Download) -> list[Path]:
        """Return the paths of the artifacts, in the same order, after downloading missing ones.

        Args:
            references: All artifacts that are needed at once; none of them is evicted for another.
            download: Function that downloads an artifact to a file. The file may contain the beginning already.

        Raises:
            CorruptArtifactError: The downloaded bytes do not match the SHA-256.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._evict(references)
        return [self._fetch(reference, download) for reference in references]

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

    def _evict(self, references: Sequence[ArtifactRef]) -> None:
        needed = {reference.sha256: reference.size_bytes for reference in references}
        others = sorted(
            (path for path in self._folder.iterdir() if _ARTIFACT.fullmatch(path.name) and path.stem not in needed),
            key=lambda path: path.stat().st_mtime_ns,
        )
        excess = sum(needed.values()) + sum(path.stat().st_size for path in others) - self._limit_bytes
        for path in others:
            if excess <= 0:
                break
            excess -= path.stat().st_size
            path.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
