"""Copies, on this machine, of artifacts that are kept elsewhere: those not used for longest go when there are too many.

A folder of copies is used by all threads of a process, and may be by several processes.
"""

import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edgepress_common.artifacts import CorruptArtifactError, FolderStore, StoredArtifact

# A path that was handed out is opened within seconds, and what is open stays readable. An hour is patient enough.
_IN_USE = timedelta(hours=1)

# A copy that has been growing for longer than this belongs to somebody who was killed.
_LONGEST_COPYING = timedelta(days=1)


class LocalCopies(FolderStore):
    """A folder of copies.

    Beside what a file's time of change says (when it was put), its time of access says when it was last used; it is set
    here, since filesystems are mostly told not to.

    Args:
        folder: Made if it isn't there.
        limit_bytes: Kept at the most, beside what has been used within the last hour.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        super().__init__(folder)
        self._limit_bytes = limit_bytes

    def local_path(self, sha256: str) -> Path:
        """See `FolderStore.local_path`. Counts as use."""
        path = super().local_path(sha256)
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        return path

    def fetch(self, sha256: str, download: Callable[[Path], None]) -> None:
        """Takes a copy.

        Args:
            sha256: Of what.
            download: Writes it to a file.

        Raises:
            CorruptArtifactError: Other bytes arrived than were asked for.
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
            raise CorruptArtifactError(f"artifact {sha256} holds other bytes than it was stored with ({found})")

    def forget(self, sha256: str) -> None:
        """Removes a copy, if there is one."""
        self._place(sha256).unlink(missing_ok=True)

    def make_room(self) -> None:
        """Removes the copies that were not used for longest, until no more are left than the limit allows."""
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
        except FileNotFoundError:  # another process made room
            return 0
