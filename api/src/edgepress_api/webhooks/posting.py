"""Posts a word, and says in a sentence how it was taken."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import httpcore

from edgepress_api.webhooks.reach import ForbiddenAddressError, GuardedBackend, LookUp, Network, look_up
from edgepress_common import __version__

_SECONDS = 10.0  # to connect, to write, and for each piece of the answer
_SUCCESS = range(200, 300)
_REDIRECTS = range(300, 400)


class NotTakenError(Exception):
    """A word was not taken; the message says why, for whoever posted the job."""


class Poster(Protocol):
    """Posts words."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Posts a word, and answers the status that took it.

        Raises:
            NotTakenError: It was not taken.
        """
        ...


class GuardedPoster:
    """See `Poster`. Goes where `reach` lets it, through no proxy, and follows no redirect.

    Args:
        allowed: See `GuardedBackend`.
        look_up: See `GuardedBackend`.
    """

    def __init__(self, allowed: Sequence[Network], look_up: LookUp = look_up) -> None:
        self._backend = GuardedBackend(allowed, look_up)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See `Poster.post`."""
        timeouts = {"connect": _SECONDS, "read": _SECONDS, "write": _SECONDS, "pool": _SECONDS}
        said = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("User-Agent", f"Edgepress/{__version__}"),
            *headers.items(),
        ]
        try:
            # A pool for each word: a connection that is kept was checked for another.
            with (
                httpcore.ConnectionPool(network_backend=self._backend, retries=0) as pool,
                pool.stream(
                    "POST", url, headers=said, content=body,
                    extensions={"timeout": timeouts},
                ) as response,
            ):  # fmt: skip
                status = response.status  # what else is answered nobody reads
        except ForbiddenAddressError as error:
            raise NotTakenError(str(error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise NotTakenError(f"{type(error).__name__}: {error or 'no more is known'}") from error
        if status in _REDIRECTS:
            raise NotTakenError(f"answered with {status}, a redirect, which is not followed; accepted: 200 to 299")
        if status not in _SUCCESS:
            raise NotTakenError(f"answered with {status}; accepted: 200 to 299")
        return status
