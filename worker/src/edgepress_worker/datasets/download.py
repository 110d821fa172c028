"""Fetches a large public file once, however often the connection is cut.

1. Bytes go to ``<name>.part``. What is there already is not asked for again (HTTP ``Range``), be it from this attempt
   or from one before.
2. A cut connection is taken up again after a little while; as long as something arrives, any number of times.
3. The whole is held against the published MD5 and renamed: a file that has its name is complete and right.
"""

import errno
import fcntl
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx

from edgepress_common.errors import UnavailableError
from edgepress_worker.datasets.meter import Meter

_TIMEOUT_SECONDS = 30.0  # without a byte; a busy server may well think for some seconds
_FRUITLESS_TRIES = 4  # in a row, with 1, 2 and 4 seconds between: a short outage passes, a missing network is told soon
_VERIFY_SHARE = 0.1  # of the time that receiving and verifying take together on a fast line
_CHUNK_BYTES = 1 << 20
_GIGABYTE = 1e9


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch.

    Attributes:
        name: What to call it here.
        url: Where it is.
        md5: Its published checksum, in lower-case hex. It tells damage; that the source is honest is taken for granted.
    """

    name: str
    url: str
    md5: str


class Downloader:
    """Fetches files.

    Args:
        client: Speaks HTTP.
        sleep: Waits so many seconds.
    """

    def __init__(self, client: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def fetch(self, file: RemoteFile, folder: Path, meter: Meter) -> Path:
        """Makes sure that a file is in a folder. For one caller at a time: see `one_at_a_time`.

        Returns:
            The file: as it was if it was there, else complete and verified.

        Raises:
            UnavailableError: It can't be had, or isn't what was published.
            OSError: There is no room for it.
            StepCancelledError: The step is to stop; what has arrived is kept.
        """
        target = folder / file.name
        if target.is_file():
            return target
        part = folder / f"{file.name}.part"
        part.touch()
        self._receive_all(file, part, meter.part(0, 1 - _VERIFY_SHARE))
        found = _md5(part, file.name, meter.part(1 - _VERIFY_SHARE, 1))
        if found != file.md5:
            part.unlink()
            raise UnavailableError(f"{file.url} gave a file with MD5 {found}; accepted: {file.md5}, as published")
        part.rename(target)
        return target

    def _receive_all(self, file: RemoteFile, part: Path, meter: Meter) -> None:
        fruitless = 0
        while True:
            before = part.stat().st_size
            try:
                self._receive(file, part, meter)
            except (httpx.RequestError, _TryAgainError) as error:
                problem = str(error) or type(error).__name__
            else:
                return
            fruitless = 0 if part.stat().st_size > before else fruitless + 1
            if fruitless == _FRUITLESS_TRIES:
                raise UnavailableError(f"{file.url}: {problem}")
            for _ in range(2 ** max(0, fruitless - 1)):
                meter.wait(f"{file.name}: {problem}; trying again")
                self._sleep(1)

    def _receive(self, file: RemoteFile, part: Path, meter: Meter) -> None:
        """Asks once for what is missing, and writes what arrives."""
        present = part.stat().st_size
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={present}-"} if present else {})
        with self._client.stream(
            "GET", file.url, headers=headers, timeout=_TIMEOUT_SECONDS, follow_redirects=True
        ) as response:
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # nothing is missing, or too much is there: the checksum will tell
            position = _start(response, present)
            size = position + int(response.headers.get("Content-Length", 0))
            _check_room(part, size - position)
            with part.open("r+b") as target:
                target.truncate(position)
                target.seek(position)
                for chunk in response.iter_raw():
                    target.write(chunk)
                    position += len(chunk)
                    amount = f"{position / _GIGABYTE:.2f} of {max(size, position) / _GIGABYTE:.2f} GB"
                    meter.tell(position / max(size, position), f"downloading {file.name}: {amount}")


@contextmanager
def one_at_a_time(folder: Path, name: str, meter: Meter, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Keeps other processes from doing the same, by a lock on ``<folder>/.<name>.lock``; waits while another does.

    Raises:
        StepCancelledError: The step is to stop.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                meter.wait(f"waiting for another step that gets {name}")
                sleep(1)
        yield  # closing the file unlocks it


class _TryAgainError(Exception):
    """This answer is of no use, but another may be."""


def _start(response: httpx.Response, present: int) -> int:
    """Where in the file the answer's bytes belong."""
    match response.status_code:
        case HTTPStatus.OK:
            return 0
        case HTTPStatus.PARTIAL_CONTENT:
            content_range = response.headers.get("Content-Range", "")
            if not re.match(rf"bytes {present}-", content_range):
                raise _TryAgainError(f"was asked for the bytes from {present} on, answered with {content_range!r}")
            return present
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.REQUEST_TIMEOUT:
            raise _TryAgainError(f"answered with status {response.status_code}")
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _TryAgainError(f"answered with status {status}")
        case status:
            raise UnavailableError(f"{response.url} answered with status {status}; accepted: 200, 206")


def _check_room(part: Path, size_bytes: int) -> None:
    if size_bytes > shutil.disk_usage(part.parent).free:
        raise OSError(errno.ENOSPC, f"no room for {size_bytes} bytes more", str(part))


def _md5(path: Path, name: str, meter: Meter) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    size_bytes = max(1, path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            meter.tell(file.tell() / size_bytes, f"verifying {name}")
    return digest.hexdigest()
