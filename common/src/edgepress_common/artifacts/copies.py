"""A local cache of artifacts that are stored elsewhere. It evicts the least recently used copies.

All threads of a process use one cache folder; several processes may share it.
"""

import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edgepress_common.artifacts.folder import FolderStore
from edgepress_common.artifacts.reference import CorruptArtifactError, StoredArtifact

# A caller opens the returned path within seconds, and an open file stays readable. An hour is a safe margin.
_IN_USE = timedelta(hours=1)

# A temporary file that is older than this was left behind by a killed process.
_LONGEST_COPYING = timedelta(days=1)


class LocalCopies(FolderStore):
    """A cache folder with a size limit.

    The modification time of a file is when it was stored; the access time is when it was last used. This class sets the
    access time itself, because most file systems are mounted without updating it.

    Args:
        folder: The cache folder; created if it does not exist.
        limit_bytes: Maximum size in bytes. Copies that were used within the last hour are kept even above the limit.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        super().__init__(folder)
        self._limit_bytes = limit_bytes

    def local_path(self, sha256: str) -> Path:
        """See `FolderStore.local_path`. The copy counts as used now."""
        path = super().local_path(sha256)
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        return path

    def fetch(self, sha256: str, download: Callable[[Path], None]) -> None:
        """Download an artifact and store it.

        Args:
            sha256: Name of the artifact.
            download: Function that writes the artifact to a file.

        Raises:
            CorruptArtifactError: The downloaded bytes do not match the SHA-256.
        """
        self._incoming.mkdir(parents=True, exist_ok=True)
        arriving = self._incoming / f"{sha256}.{uuid.uuid4().hex}"
        try:
            download(arriving)
            found = self.put_file(arriving, move=True).sha256
        finally:
            arriving.unlink(missing_ok=True)
        if found != sha256:
            self.forget(found)
            raise CorruptArtifactError(sha256, found)

    def forget(self, sha256: str) -> None:
        """Remove a copy, if it exists."""
        self._place(sha256).unlink(missing_ok=True)

    def evict(self) -> None:
        """Evict the least recently used copies until the size limit is met."""
        now = datetime.now(UTC)
        self.remove_unfinished(begun_before=now - _LONGEST_COPYING)
        copies = list(self.list_artifacts())
        excess = sum(copy.size_bytes for copy in copies) - self._limit_bytes
        if excess <= 0:
            return
        in_use = (now - _IN_USE).timestamp()
        for used_at, copy in sorted(((self._used_at(copy), copy) for copy in copies), key=lambda entry: entry[0]):
            if excess <= 0 or used_at >= in_use:
                break
            self.forget(copy.sha256)
            excess -= copy.size_bytes

    def _used_at(self, copy: StoredArtifact) -> float:
        try:
            return self._place(copy.sha256).stat().st_atime
        except FileNotFoundError:  # another process evicted it
            return 0
