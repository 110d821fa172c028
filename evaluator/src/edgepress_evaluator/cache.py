"""Fetched artifacts, kept for the next evaluation: models differ, but a job's validation pack is the same each time."""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from edgepress_common.artifacts import ArtifactRef, CorruptArtifactError

Download = Callable[[ArtifactRef, Path], None]

_UNFINISHED = ".part"

_log = logging.getLogger(__name__)


class ArtifactCache:
    """A folder of artifacts by SHA-256; those not used for longest go when there are too many bytes.

    A file's time of change says when it was last used. A file is verified when it is first used by a process: a memory
    card may lose what it was given. One evaluator uses a folder at a time.

    Args:
        folder: Made if it isn't there.
        limit_bytes: Kept at most, beside what is being asked for.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._verified: set[str] = set()

    def fetch(self, references: Sequence[ArtifactRef], download: Download) -> list[Path]:
        """Files that hold the artifacts, in the same order.

        Args:
            references: What is needed, all at once, so that none of it makes room for the rest.
            download: Fetches an artifact into a file; it may find the beginning there already.

        Raises:
            CorruptArtifactError: Other bytes arrived than were asked for.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._make_room(references)
        return [self._fetch(reference, download) for reference in references]

    def _fetch(self, reference: ArtifactRef, download: Download) -> Path:
        path = self._folder / reference.sha256
        if not self._holds(reference.sha256, path):
            unfinished = path.with_suffix(_UNFINISHED)
            download(reference, unfinished)
            found = _sha256(unfinished)
            if found != reference.sha256:
                unfinished.unlink()
                raise CorruptArtifactError(f"artifact {reference.sha256} arrived with other bytes ({found})")
            unfinished.rename(path)
            self._verified.add(reference.sha256)
        os.utime(path)
        return path

    def _holds(self, sha256: str, path: Path) -> bool:
        if not path.is_file():
            return False
        if sha256 not in self._verified:
            if _sha256(path) != sha256:
                _log.warning("the cached artifact %s has gone bad and is fetched again", sha256)
                path.unlink()
                return False
            self._verified.add(sha256)
        return True

    def _make_room(self, references: Sequence[ArtifactRef]) -> None:
        needed = {reference.sha256: reference.size_bytes for reference in references}
        others = sorted(
            (path for path in self._folder.iterdir() if path.stem not in needed),
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
