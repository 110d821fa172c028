"""Keeps a lease while its evaluation runs."""

import logging
import threading
from types import TracebackType
from typing import Self

from edgepress_common.alive import SignOfLife
from edgepress_common.devices import EvaluationLease
from edgepress_common.errors import EdgepressError, LeaseLostError
from edgepress_common.messages import Progress
from edgepress_evaluator.client import GatewayClient

# Two renewals may get lost before the lease does.
_RENEWALS_PER_LEASE = 3

# For a renewal that is under way at the end. One that hangs longer may end by itself: it changes nothing any more.
_PATIENCE_SECONDS = 1.0

_log = logging.getLogger(__name__)


class LeaseRenewal:
    """A thread that renews a lease, with the latest progress, from the beginning to the end of a ``with`` block.

    It holds on through an absence of the gateway: whether the lease has been given away meanwhile, only the gateway
    can say.

    Args:
        client: The gateway.
        lease: The lease.
        alive: Given a sign with each renewal.
    """

    def __init__(self, client: GatewayClient, lease: EvaluationLease, alive: SignOfLife | None = None) -> None:
        self._client = client
        self._lease = lease
        self._alive = alive or SignOfLife(None)
        self._progress = Progress(fraction=0, message="fetching model and images")
        self._lost = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-renewal", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether the gateway has said that the lease is lost."""
        return self._lost

    def report(self, progress: Progress) -> None:
        """What the next renewal is to say. Returns at once."""
        self._progress = progress

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(_PATIENCE_SECONDS)

    def _run(self) -> None:
        while not self._over.wait(self._lease.lease_seconds / _RENEWALS_PER_LEASE):
            try:
                self._client.renew(self._lease, self._progress)
            except LeaseLostError as error:
                _log.warning("the lease is lost: %s", error)
                self._lost = True
                return
            except EdgepressError as error:
                _log.warning("the lease could not be renewed: %s", error)
            else:
                self._alive.give()
