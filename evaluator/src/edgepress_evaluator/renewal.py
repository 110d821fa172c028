"""Renewal of a lease while its evaluation runs."""

import logging
import threading
from types import TracebackType
from typing import Self

from edgepress_common.devices import EvaluationLease
from edgepress_common.errors import EdgepressError, LeaseLostError
from edgepress_common.heartbeat import Heartbeat
from edgepress_common.messages import Progress
from edgepress_evaluator.client import GatewayClient

# Two consecutive renewals may fail before the lease expires.
_RENEWALS_PER_LEASE = 3

# Time to wait for a running renewal at the end. A renewal that takes longer is abandoned: it no longer has an effect.
_PATIENCE_SECONDS = 1.0

_log = logging.getLogger(__name__)


class LeaseRenewal:
    """A thread that renews a lease with the latest progress, during a ``with`` block.

    It continues while the gateway is unavailable, because only the gateway can tell whether the lease is lost.

    Args:
        client: Client of the gateway.
        lease: The lease.
        heartbeat: Heartbeat, which beats at each renewal.
    """

    def __init__(self, client: GatewayClient, lease: EvaluationLease, heartbeat: Heartbeat | None = None) -> None:
        self._client = client
        self._lease = lease
        self._heartbeat = heartbeat or Heartbeat(None)
        self._progress = Progress(fraction=0, message="downloading model and images")
        self._lost = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-renewal", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether the gateway has reported that the lease is lost."""
        return self._lost

    def report(self, progress: Progress) -> None:
        """Set the progress that the next renewal sends. Return at once."""
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
                self._heartbeat.beat()
