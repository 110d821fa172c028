"""The fingerprint of a data set: a digest of the content of its files, independent of when they were written.

A copied folder has the same fingerprint. Changed content has another fingerprint, even if sizes and times are the same.
Files are read in parallel. As a shortcut, a file's digest is cached by device, inode, size and both times: content
can't change without the change time (ctime), which no user can set. File times have a limited resolution, so that a
file that was just written could change again with the same time; such files are not cached.
"""

import hashlib
import os
import struct
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edgepress_common.layout.model import Layout
from edgepress_common.layout.regular_file import open_regular

UNREADABLE = ""  # the digest of a file that can't be read
_READ_BYTES = 1 << 20
_FILES_PER_TASK = 64  # a task takes milliseconds; passing it to a thread takes microseconds
_MAX_THREADS = 8  # more than the cores of a small machine, because reading also waits for disks
_RECENT_NS = 2_000_000_000  # coarser than the time resolution of all usual file systems (FAT has 2 s)
_MAX_REMEMBERED = 1_000_000  # of about 200 bytes each


class ContentDigests:
    """Computes SHA-256 digests of files and caches them for the life of the process. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}
        self._lock = threading.Lock()

    def of(self, paths: Sequence[str | Path]) -> list[str]:
        """Return the digest of each file, in hexadecimal; an empty text for a file that can't be read."""
        tasks = [paths[start : start + _FILES_PER_TASK] for start in range(0, len(paths), _FILES_PER_TASK)]
        threads = min(_MAX_THREADS, 2 * (os.cpu_count() or 1), max(1, len(tasks)))
        with ThreadPoolExecutor(threads) as pool:
            return [digest for digests in pool.map(self._of_some, tasks) for digest in digests]

    def _of_some(self, paths: Sequence[str | Path]) -> list[str]:
        digests = []
        for path in paths:
            try:
                digests.append(self._of_one(path))
            except OSError:  # the packing step decides whether too many files are unreadable
                digests.append(UNREADABLE)
        return digests

    def _of_one(self, path: str | Path) -> str:
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            key = _key(status)
            known = self._known.get(key)
            if known is not None:
                return known
            digest = _digest(file.fileno())
            # The status is compared again: a file that was written while it was read is not cached.
            is_settled = _key(os.fstat(file.fileno())) == key and time.time_ns() - status.st_ctime_ns > _RECENT_NS
        if is_settled:
            self._remember(key, digest)
        return digest

    def _remember(self, key: bytes, digest: str) -> None:
        with self._lock:
            if len(self._known) >= _MAX_REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = digest


def layout_fingerprint(layout: Layout, digests: Sequence[str], extra: str = "") -> str:
    """Return the fingerprint of a listed folder.

    Args:
        layout: The folder; files that it ignores do not count.
        digests: SHA-256 of each of `Layout.files`, in their order, in hexadecimal.
        extra: Additional content that the data set depends on, such as the digest of a group table.
    """
    whole = hashlib.sha256(f"{len(layout.train)} {len(layout.validation)} {len(layout.test)}\n{extra}\n".encode())
    for file, digest in zip(layout.files, digests, strict=True):
        whole.update(f"{file.path}\0{digest}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _key(status: os.stat_result) -> bytes:
    marks = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return hashlib.blake2b(struct.pack("<QQqqq", *marks), digest_size=16).digest()


def _digest(descriptor: int) -> str:
    whole = hashlib.sha256()
    while chunk := os.read(descriptor, _READ_BYTES):
        whole.update(chunk)
    return whole.hexdigest()
