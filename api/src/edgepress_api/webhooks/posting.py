"""Posts a delivery, and describes the answer in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import httpcore

from edgepress_api.webhooks.egress_policy import (
    LONGEST_SECONDS,
    ForbiddenAddressError,
    GuardedBackend,
    LookUp,
    Network,
    look_up,
)
from edgepress_common import __version__

_SECONDS = 10.0  # to connect, to write, and for each piece of the answer
_SUCCESS = range(200, 300)
_REDIRECTS = range(300, 400)


class NotTakenError(Exception):
    """A delivery failed; the message says why, for the user who posted the job."""


class Poster(Protocol):
    """Posts deliveries."""

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, method: Literal["POST", "PUT"] = "POST"
    ) -> int:
        """Send a delivery, and return the status of the answer.

        Raises:
            NotTakenError: The delivery failed.
        """
        ...


class GuardedPoster:
    """See `Poster`. Uses the addresses that `egress_policy` permits, without proxies or redirects.

    Args:
        allowed: See `GuardedBackend`.
        look_up: See `GuardedBackend`.
        longest_seconds: See `GuardedBackend`.
    """

    def __init__(
        self, allowed: Sequence[Network], look_up: LookUp = look_up, *, longest_seconds: float = LONGEST_SECONDS
    ) -> None:
        self._backend = GuardedBackend(allowed, look_up, longest_seconds=longest_seconds)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, method: Literal["POST", "PUT"] = "POST"
    ) -> int:
        """See `Poster.post`."""
        timeouts = {"connect": _SECONDS, "read": _SECONDS, "write": _SECONDS, "pool": _SECONDS}
        said = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("User-Agent", f"Edgepress/{__version__}"),
            *headers.items(),
        ]
        try:
            # A pool for each delivery: a kept connection was checked for another delivery.
            with (
                httpcore.ConnectionPool(network_backend=self._backend, retries=0) as pool,
                pool.stream(
                    method, url, headers=said, content=body,
                    extensions={"timeout": timeouts},
                ) as response,
            ):  # fmt: skip
                status = response.status  # the body of the answer is not read
        except ForbiddenAddressError as error:
            raise NotTakenError(str(error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise NotTakenError(f"{type(error).__name__}: {error or 'no more is known'}") from error
        if status in _REDIRECTS:
            raise NotTakenError(f"answered with {status}, a redirect, which is not followed; accepted: 200 to 299")
        if status not in _SUCCESS:
            raise NotTakenError(f"answered with {status}; accepted: 200 to 299")
        return status
