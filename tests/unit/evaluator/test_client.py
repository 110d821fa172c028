"""Requests of an evaluator to the gateway, and their answers."""

from pathlib import Path

import httpx
import pytest

from edgepress_common.artifacts import ArtifactRef
from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.errors import (
    EdgepressError,
    InvalidInputError,
    LeaseLostError,
    NotFoundError,
    StepCancelledError,
    UnavailableError,
)
from edgepress_common.messages import Progress, StepFailure
from edgepress_evaluator.client import GatewayClient, connect
from fakes.gateway import FakeGateway, served
from fakes.leases import STEP_KEY, make_lease, reference_to

ANNOUNCEMENT = Announcement(machine="aarch64", cores=4, memory_bytes=1 << 30, runtime="LiteRT 1.0")


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def client(gateway: FakeGateway) -> GatewayClient:
    return GatewayClient(gateway.connection(), "pi")


@pytest.fixture
def lease(models: Path, pack_files: tuple[Path, Path]) -> EvaluationLease:
    return make_lease(models / "tiny_int8.tflite", pack_files)


@pytest.fixture
def artifact(gateway: FakeGateway, models: Path) -> ArtifactRef:
    gateway.store(models / "tiny_int8.tflite")
    return reference_to(models / "tiny_int8.tflite")


def _never() -> bool:
    return False


def test_lease_offered_is_taken(gateway: FakeGateway, client: GatewayClient, lease: EvaluationLease) -> None:
    """The device announces itself, and gets what is offered."""
    gateway.offer(lease)

    assert client.lease(ANNOUNCEMENT, wait_seconds=1, request="r1") == lease
    assert gateway.announcements == {"pi": ANNOUNCEMENT}


def test_nothing_to_do_is_not_a_lease(client: GatewayClient) -> None:
    """204 after the time asked for."""
    assert client.lease(ANNOUNCEMENT, wait_seconds=0.01, request="r1") is None


def test_renewal_and_failure_arrive(gateway: FakeGateway, client: GatewayClient, lease: EvaluationLease) -> None:
    """The gateway receives them unchanged."""
    progress, failure = Progress(fraction=0.5), StepFailure(code="crashed", message="it did", retryable=True)

    client.renew(lease, progress)
    client.fail(lease, failure)

    assert gateway.renewals == [progress]
    assert gateway.failures == [failure]


def test_conflict_is_a_lost_lease(gateway: FakeGateway, client: GatewayClient, lease: EvaluationLease) -> None:
    """409 has a meaning of its own."""
    gateway.lost.add(STEP_KEY)

    with pytest.raises(LeaseLostError, match="the lease is lost"):
        client.renew(lease, Progress(fraction=0))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (None, UnavailableError),
        (500, UnavailableError),
        (503, UnavailableError),
        (429, UnavailableError),
        (404, NotFoundError),
        (422, InvalidInputError),
        (401, EdgepressError),
    ],
)
def test_answers_become_errors(
    gateway: FakeGateway, client: GatewayClient, fault: int | None, error: type[EdgepressError]
) -> None:
    """The kind says whether a retry may succeed; the gateway's message is kept."""
    gateway.faults.append(fault)

    with pytest.raises(error) as caught:
        client.lease(ANNOUNCEMENT, wait_seconds=0.01, request="r1")

    assert type(caught.value) is error
    assert ("connection refused" if fault is None else "as the test asked") in str(caught.value)


def test_token_is_shown(lease: EvaluationLease) -> None:
    """With the token the gateway answers; without it, the error names the setting."""
    gateway = FakeGateway(token="secret")
    with served(gateway) as address:
        with connect(address, "secret") as http:
            assert GatewayClient(http, "pi").lease(ANNOUNCEMENT, wait_seconds=0.01, request="r1") is None
        with connect(address, None) as http, pytest.raises(EdgepressError, match="EDGEPRESS_TOKEN"):
            GatewayClient(http, "pi").lease(ANNOUNCEMENT, wait_seconds=0.01, request="r1")


def test_answer_of_another_version_is_an_error() -> None:
    """An answer that is not a lease is refused."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"hello": "world"}))
    client = GatewayClient(httpx.Client(base_url="http://gateway", transport=transport), "pi")

    with pytest.raises(EdgepressError, match="the lease is not valid"):
        client.lease(ANNOUNCEMENT, wait_seconds=1, request="r1")


def test_download_is_whole(client: GatewayClient, artifact: ArtifactRef, tmp_path: Path, models: Path) -> None:
    """The bytes of the artifact."""
    client.download(artifact, tmp_path / "model", _never)

    assert (tmp_path / "model").read_bytes() == (models / "tiny_int8.tflite").read_bytes()


def test_cut_download_goes_on_where_it_broke_off(
    gateway: FakeGateway, client: GatewayClient, artifact: ArtifactRef, tmp_path: Path, models: Path
) -> None:
    """The second request asks for the rest alone."""
    gateway.cuts = 1

    with pytest.raises(UnavailableError, match="the line was cut"):
        client.download(artifact, tmp_path / "model", _never)
    client.download(artifact, tmp_path / "model", _never)

    assert (tmp_path / "model").read_bytes() == (models / "tiny_int8.tflite").read_bytes()
    assert gateway.downloads == [(artifact.sha256, 0), (artifact.sha256, artifact.size_bytes // 2)]


def test_file_too_long_is_downloaded_again(
    client: GatewayClient, artifact: ArtifactRef, tmp_path: Path, models: Path
) -> None:
    """It can't be the beginning of the artifact."""
    (tmp_path / "model").write_bytes(b"x" * (artifact.size_bytes + 1))

    client.download(artifact, tmp_path / "model", _never)

    assert (tmp_path / "model").read_bytes() == (models / "tiny_int8.tflite").read_bytes()


def test_download_stops_when_told(client: GatewayClient, artifact: ArtifactRef, tmp_path: Path) -> None:
    """The download stops after the current piece."""
    with pytest.raises(StepCancelledError):
        client.download(artifact, tmp_path / "model", lambda: True)


def test_artifact_that_is_gone_is_not_found(client: GatewayClient, tmp_path: Path) -> None:
    """No file is left."""
    with pytest.raises(NotFoundError, match="no artifact 0000"):
        client.download(ArtifactRef(sha256="0" * 64, size_bytes=1), tmp_path / "model", _never)

    assert not (tmp_path / "model").exists()
