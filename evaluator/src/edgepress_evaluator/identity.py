"""The identity of a device, apart from its name: two boards of one name must not pass for one.

The identity is random, and kept in a file next to the cache. While an evaluator runs it holds a lock on that file: a
second one that shares the folder is another device, and gets an identity that it does not keep.
"""

import fcntl
import logging
import re
import uuid
from pathlib import Path
from typing import IO

IDENTITY = "identity"
_FORM = re.compile(r"[0-9a-f]{32}")
_log = logging.getLogger(__name__)


class DeviceIdentity:
    """The identity of a device, held for as long as this object lives.

    Args:
        folder: Where it is kept; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._file: IO[str] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / IDENTITY).open("a+")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.value = self._kept(self._file)
        except OSError as error:
            _log.warning("%s: %s; this evaluator has an identity for this run only", folder / IDENTITY, error)
            self.value = uuid.uuid4().hex

    def _kept(self, file: IO[str]) -> str:
        file.seek(0)
        found = file.read().strip()
        if _FORM.fullmatch(found):
            return found
        made = uuid.uuid4().hex
        file.truncate(0)
        file.write(f"{made}\n")
        file.flush()
        return made
