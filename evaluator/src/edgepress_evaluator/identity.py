"""The identity of a device, apart from its name: two boards of one name must not pass for one.

The identity is random, and kept in a file next to the cache. While an evaluator runs it holds a lock on that file: a
second one that shares the folder is another device, and gets an identity that it does not keep.

The file also has a digest of the board's serial number, if the board has one. With another serial number, the memory
card was copied to another board, which gets an identity of its own. Where no file can be written, as on a read-only
disk, the identity is derived from the serial number or from the id of the installation, so that it survives a restart.
"""

import fcntl
import hashlib
import logging
import re
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import IO

IDENTITY = "identity"
_FORM = re.compile(r"([0-9a-f]{32})(?: ([0-9a-f]{32}))?")
_SERIAL_NUMBER = "proc/device-tree/serial-number"
_INSTALLATION = "etc/machine-id"
_log = logging.getLogger(__name__)


class DeviceIdentity:
    """The identity of a device, held for as long as this object lives.

    Args:
        folder: Where it is kept; made if it is not there.
        root: Folder that contains ``proc`` and ``etc``.
    """

    def __init__(self, folder: Path, root: Path = Path("/")) -> None:
        self._file: IO[str] | None = None
        self._serial = _digest([root / _SERIAL_NUMBER])
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / IDENTITY).open("a+")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.value = self._kept(self._file)
        except BlockingIOError:
            _log.warning("%s: another evaluator uses it; this one has an identity for this run only", folder / IDENTITY)
            self.value = uuid.uuid4().hex
        except OSError as error:
            derived = _digest([root / _SERIAL_NUMBER, root / _INSTALLATION])
            kind = "derived from this machine" if derived else "for this run only"
            _log.warning("%s: %s; this evaluator has an identity %s", folder / IDENTITY, error, kind)
            self.value = derived or uuid.uuid4().hex

    def _kept(self, file: IO[str]) -> str:
        file.seek(0)
        found = _FORM.fullmatch(file.read().strip())
        if found and (self._serial is None or found[2] == self._serial):
            return found[1]
        if found and found[2] is not None:
            _log.warning("this memory card was used in another board; this one gets an identity of its own")
        value = found[1] if found and found[2] is None else uuid.uuid4().hex
        file.truncate(0)
        file.write(" ".join(filter(None, (value, self._serial))) + "\n")
        file.flush()
        return value


def kept_identity(folder: Path) -> str | None:
    """Return the identity that is kept in a folder, without holding it; None if there is none."""
    try:
        found = _FORM.fullmatch((folder / IDENTITY).read_text().strip())
    except OSError:
        return None
    return found[1] if found else None


def _digest(files: Iterable[Path]) -> str | None:
    """Return 32 hex digits of a digest of the first file that can be read; None if there is none."""
    for file in files:
        try:
            content = file.read_bytes().strip(b"\0\n ")
        except OSError:
            continue
        if content:
            # With a prefix, because the id of an installation is not to be shown to others: see machine-id(5).
            return hashlib.sha256(b"edgepress device " + content).hexdigest()[:32]
    return None
