"""Downloads a large public file once, even over an unreliable connection.

1. Bytes are written to ``<name>.part``. The existing part, from this or an earlier attempt, is not requested again
   (HTTP ``Range``).
2. An interrupted download is resumed after a pause, any number of times as long as each request returns some bytes.
3. The complete file is verified against the published MD5 and renamed: a file with the final name is complete and
   valid.
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

from edgepress_common.errors import InvalidInputError, UnavailableError
from edgepress_worker.datasets.meter import Meter

_TIMEOUT_SECONDS = 30.0  # without a byte; a busy server may pause for some seconds
_FRUITLESS_TRIES = 4  # consecutive, with 1, 2 and 4 seconds between: bridges short outages, reports a missing network
_VERIFY_SHARE = 0.1  # share of the total time that verification takes with a fast connection
_CHUNK_BYTES = 1 << 20
_GIGABYTE = 1e9


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Attributes:
        name: Local file name.
        url: URL of the file.
        md5: Published checksum, in lower-case hex. It detects damage; the source itself is trusted.
    """

    name: str
    url: str
    md5: str


class Downloader:
    """Downloads files.

    Args:
        client: HTTP client.
        sleep: Function that waits for a number of seconds.
    """

    def __init__(self, client: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def fetch(self, file: RemoteFile, folder: Path, meter: Meter) -> Path:
        """Ensure that a file is in a folder. Only one process may do so at a time: see `one_at_a_time`.

        Returns:
            The path of the file. An existing file is unchanged; a new one is complete and verified.

        Raises:
            UnavailableError: The file can't be downloaded, or does not match the checksum.
            OSError: The disk has too little free space.
            StepCancelledError: The step is cancelled; the downloaded part is kept.
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
            raise UnavailableError(f"{file.url} returned a file with MD5 {found}; accepted: the published {file.md5}")
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
                meter.wait(f"{file.name}: {problem}; retrying")
                self._sleep(1)

    def _receive(self, file: RemoteFile, part: Path, meter: Meter) -> None:
        """Request the missing bytes once, and write what arrives."""
        present = part.stat().st_size
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={present}-"} if present else {})
        with self._client.stream(
            "GET", file.url, headers=headers, timeout=_TIMEOUT_SECONDS, follow_redirects=True
        ) as response:
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # the part is complete or too long: the checksum decides
            position = _start(response, present)
            size = position + int(response.headers.get("Content-Length", 0))
            _check_free_space(part, size - position)
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
    """Exclude other processes by a lock on ``<folder>/.<name>.lock``; wait while another process has it.

    Raises:
        StepCancelledError: The step is cancelled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                meter.wait(f"waiting for another step that downloads {name}")
                sleep(1)
        yield  # closing the file unlocks it


def internet() -> httpx.Client:
    """Return a client for public addresses.

    Raises:
        InvalidInputError: The environment names a proxy that can't be used.
    """
    try:
        return httpx.Client()
    except ImportError as error:
        raise InvalidInputError(
            "the worker's environment names a SOCKS proxy (ALL_PROXY), which needs another library; install it with: "
            "pip install 'httpx[socks]', or name an HTTP proxy"
        ) from error


class _TryAgainError(Exception):
    """The response can't be used, but another attempt may succeed."""


def _start(response: httpx.Response, present: int) -> int:
    """Return the position in the file of the response's first byte."""
    match response.status_code:
        case HTTPStatus.OK:
            return 0
        case HTTPStatus.PARTIAL_CONTENT:
            content_range = response.headers.get("Content-Range", "")
            if not re.match(rf"bytes {present}-", content_range):
                raise _TryAgainError(f"requested the bytes from {present}, but the response has {content_range!r}")
            return present
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.REQUEST_TIMEOUT:
            raise _TryAgainError(f"returned the status {response.status_code}")
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _TryAgainError(f"returned the status {status}")
        case status:
            raise UnavailableError(f"{response.url} returned the status {status}; accepted: 200, 206")


def _check_free_space(part: Path, size_bytes: int) -> None:
    if size_bytes > shutil.disk_usage(part.parent).free:
        raise OSError(errno.ENOSPC, f"not enough free space for {size_bytes} more bytes", str(part))


def _md5(path: Path, name: str, meter: Meter) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    size_bytes = max(1, path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            meter.tell(file.tell() / size_bytes, f"verifying {name}")
    return digest.hexdigest()
