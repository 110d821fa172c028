"""The token of a gateway that `edgepress up` runs: how programs of the same user find it.

The stack writes it to a file that only its user can read, once for each start, and removes the file when it stops. The
file is named for the gateway's port, in a folder of the user's, so that a command finds it from any folder.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

_HTTP_PORT = 80
_OTHERS = 0o077


def local_token(url: str, environment: Mapping[str, str] | None = None) -> str | None:
    """Return the token of the gateway at an address; None unless it is one of this user's on this machine.

    Args:
        url: The address of the gateway.
        environment: The variables; by default those of this process.
    """
    if not hasattr(os, "geteuid"):  # only Linux runs `edgepress up`
        return None
    try:
        parts = urlsplit(url)
        file = _file(parts.port or _HTTP_PORT, environment)
        if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
            return None
        status = file.stat()
        is_own = status.st_uid == os.geteuid() and not status.st_mode & _OTHERS
        return file.read_text().strip() or None if is_own else None
    except (OSError, ValueError):  # there is no such file, or no such port
        return None


@contextmanager
def published_token(token: str, port: int, folder: Path) -> Iterator[None]:
    """Let programs of this user find a token while the block lasts.

    Args:
        token: The token.
        port: Port of the gateway on loopback, 1 to 65535.
        folder: State folder of the stack; the file ``token`` in it is for people and their scripts.
    """
    files = [folder / "token"]
    _write(files[0], token)
    with suppress(OSError, RuntimeError):  # without a home folder, commands need EDGEPRESS_TOKEN
        elsewhere = _file(port, None)
        elsewhere.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(elsewhere, token)
        files.append(elsewhere)
    try:
        yield
    finally:
        for file in files:
            with suppress(OSError):
                if file.read_text() == f"{token}\n":  # it may be another stack's by now
                    file.unlink()


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address, as far as its form tells."""
    name = host.strip().strip("[]").lower()
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _file(port: int, environment: Mapping[str, str] | None) -> Path:
    found = os.environ if environment is None else environment
    state = found.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state, "edgepress", f"gateway-{port}.token")


def _write(file: Path, token: str) -> None:
    """Replace a file by one that is readable by its owner alone from the first moment on."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(f"{token}\n")
