"""Keeping a lease."""

import threading
from pathlib import Path

import pytest

from edgepress_common.devices import EvaluationLease
from edgepress_common.messages import Progress
from edgepress_evaluator.client import GatewayClient
from edgepress_evaluator.renewal import LeaseRenewal
from fakes.gateway import FakeGateway
from fakes.leases import STEP_KEY, make_lease

PATIENCE_SECONDS = 20


class Watched(GatewayClient):
    """A client that counts its renewals, including failed ones."""

    def __init__(self, gateway: FakeGateway) -> None:
        super().__init__(gateway.connection(), "pi")
        self.renewed = threading.Semaphore(0)

    def renew(self, lease: EvaluationLease, progress: Progress) -> None:
        try:
            super().renew(lease, progress)
        finally:
            self.renewed.release()

    def wait(self, renewals: int) -> None:
        for _ in range(renewals):
            assert self.renewed.acquire(timeout=PATIENCE_SECONDS)


@pytest.fixture
def lease(models: Path, pack_files: tuple[Path, Path]) -> EvaluationLease:
    return make_lease(models / "tiny_int8.tflite", pack_files, lease_seconds=0.01)


def test_lease_is_renewed_again_and_again(lease: EvaluationLease) -> None:
    """Each renewal has the latest progress."""
    gateway = FakeGateway()
    client = Watched(gateway)

    with LeaseRenewal(client, lease) as renewal:
        client.wait(1)
        renewal.report(Progress(fraction=0.5))
        client.wait(2)

    assert gateway.renewals[0].fraction == 0
    assert gateway.renewals[-1].fraction == 0.5
    assert not renewal.lost


def test_absent_gateway_does_not_lose_the_lease(lease: EvaluationLease) -> None:
    """Only an answer of the gateway loses the lease."""
    gateway = FakeGateway()
    gateway.faults.extend([None, 503])
    client = Watched(gateway)

    with LeaseRenewal(client, lease) as renewal:
        client.wait(3)
        assert not renewal.lost

    assert gateway.renewals


def test_refused_renewal_loses_the_lease_and_is_the_last(lease: EvaluationLease) -> None:
    """No further request is sent."""
    gateway = FakeGateway()
    gateway.lost.add(STEP_KEY)
    client = Watched(gateway)

    with LeaseRenewal(client, lease) as renewal:
        client.wait(1)
        renewal._thread.join(PATIENCE_SECONDS)
        assert renewal.lost

    assert not client.renewed.acquire(blocking=False)
