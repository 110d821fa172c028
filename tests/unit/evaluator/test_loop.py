"""What an evaluator does with a lease, and when things go wrong."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.errors import BrokenPromiseError, StepCancelledError
from edgepress_common.messages import Progress
from edgepress_common.results import EvaluationResult, Surroundings
from edgepress_evaluator.cache import ArtifactCache
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.client import GatewayClient
from edgepress_evaluator.evaluate import Files
from edgepress_evaluator.loop import Evaluate, Evaluator
from edgepress_evaluator.progress import Report
from edgepress_evaluator.stop import StopRequest
from fakes.gateway import FakeGateway
from fakes.leases import STEP_KEY, make_lease

ANNOUNCEMENT = Announcement(machine="aarch64", cores=4, memory_bytes=1 << 30, runtime="LiteRT 1.0")
RESULT = EvaluationResult(
    device="pi",
    images=1,
    accuracy=1,
    precision=1,
    recall=1,
    f1=1,
    confusion=((1,),),
    measurements=(),
    peak_memory_bytes=1,
    surroundings=Surroundings(machine="aarch64", cores=4, memory_bytes=1, kernel="Linux", runtime="LiteRT"),
    model_sha256="0" * 64,
)
PATIENCE_SECONDS = 20


@pytest.fixture
def gateway(models: Path, pack_files: tuple[Path, Path]) -> FakeGateway:
    gateway = FakeGateway()
    gateway.store(models / "tiny_int8.tflite", *pack_files)
    return gateway


@pytest.fixture
def lease(models: Path, pack_files: tuple[Path, Path]) -> EvaluationLease:
    """Renewed every few milliseconds."""
    return make_lease(models / "tiny_int8.tflite", pack_files, lease_seconds=0.02)


@pytest.fixture
def stop() -> StopRequest:
    return StopRequest()


@pytest.fixture
def make_evaluator(gateway: FakeGateway, tmp_path: Path, stop: StopRequest) -> Callable[[Evaluate], Evaluator]:
    """An evaluator that measures as it is told, and never waits long."""

    def make(evaluate: Evaluate) -> Evaluator:
        return Evaluator(
            client=GatewayClient(gateway.connection(), "pi"),
            cache=ArtifactCache(tmp_path / "cache", 1 << 20),
            evaluate=evaluate,
            announcement=ANNOUNCEMENT,
            wait_seconds=0.01,
            stop=stop,
            pauses=lambda: itertools.repeat(0.001),
        )

    return make


def _at_once(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
    return RESULT


def test_result_is_handed_in(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease, models: Path
) -> None:
    """The lease's files are fetched, measured, and the result arrives."""
    seen: list[bytes] = []

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        seen.append(files.model.read_bytes())
        return RESULT

    make_evaluator(evaluate).carry_out(lease)

    assert seen == [(models / "tiny_int8.tflite").read_bytes()]
    assert gateway.results == [RESULT]
    assert gateway.failures == []


def test_a_device_tells_how_warm_it_is_whenever_it_asks(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator]
) -> None:
    """Read anew each time; a machine without a sensor tells nothing."""
    degrees = iter((40.0, 51.5, None))
    evaluator = replace(make_evaluator(_at_once), temperature_c=lambda: next(degrees))

    for expected in (40.0, 51.5, None):
        assert evaluator._next_lease() is None
        assert gateway.announcements["pi"] == ANNOUNCEMENT.model_copy(update={"temperature_c": expected})


def test_lease_is_renewed_with_the_latest_progress(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease
) -> None:
    """While it measures, the gateway hears how far it is."""

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        report(Progress(fraction=0.25))
        _until(lambda: any(renewal.fraction == 0.25 for renewal in gateway.renewals))
        return RESULT

    make_evaluator(evaluate).carry_out(lease)

    assert gateway.results == [RESULT]


def test_lost_lease_ends_the_measurement_without_a_report(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease
) -> None:
    """A renewal that is refused is seen between inferences; nothing is handed in."""

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        gateway.lost.add(STEP_KEY)
        _until(should_stop)
        raise StepCancelledError("told to stop")

    make_evaluator(evaluate).carry_out(lease)

    assert gateway.results == []
    assert gateway.failures == []


def test_result_of_a_lost_lease_is_dropped(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], models: Path, pack_files: tuple[Path, Path]
) -> None:
    """Lost between the last renewal and the end: the gateway refuses, and the evaluator goes on."""
    gateway.lost.add(STEP_KEY)

    make_evaluator(_at_once).carry_out(make_lease(models / "tiny_int8.tflite", pack_files))

    assert gateway.results == []


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [(BrokenPromiseError("not as promised"), "broken_promise", False), (ZeroDivisionError("oops"), "internal", True)],
)
def test_failure_is_reported(
    gateway: FakeGateway,
    make_evaluator: Callable[[Evaluate], Evaluator],
    lease: EvaluationLease,
    error: Exception,
    code: str,
    *,
    retryable: bool,
) -> None:
    """Whatever goes wrong while measuring; what nobody expected brings its traceback."""

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        raise error

    make_evaluator(evaluate).carry_out(lease)

    (failure,) = gateway.failures
    assert (failure.code, failure.retryable) == (code, retryable)
    assert str(error) in failure.message
    assert ("Traceback" in failure.log) == (code == "internal")


def test_being_told_to_stop_gives_the_evaluation_back(
    gateway: FakeGateway,
    make_evaluator: Callable[[Evaluate], Evaluator],
    lease: EvaluationLease,
    stop: StopRequest,
) -> None:
    """The measurement is broken off and reported so that another device can take it; the loop ends."""

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        stop.requested = True
        assert should_stop()
        raise StepCancelledError("told to stop")

    gateway.offer(lease)
    make_evaluator(evaluate).run()

    (failure,) = gateway.failures
    assert (failure.code, failure.retryable) == ("cancelled", True)


def test_absent_gateway_is_asked_again(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease, stop: StopRequest
) -> None:
    """Neither silence, nor errors, nor an unknown token end the loop."""
    gateway.faults.extend([None, 503, 401, 422, None])
    gateway.offer(lease)

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        stop.requested = True  # after this one
        return RESULT

    make_evaluator(evaluate).run()

    assert gateway.results == [RESULT]


def test_download_survives_cuts_and_absence(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], models: Path, pack_files: tuple[Path, Path]
) -> None:
    """Broken off and refused in turn, it goes on until the file is whole."""
    gateway.cuts = 2
    gateway.faults.extend([503, None])

    make_evaluator(_at_once).carry_out(make_lease(models / "tiny_int8.tflite", pack_files))

    assert gateway.results == [RESULT]


def test_corrupt_artifact_is_a_failure_that_can_be_retried(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease
) -> None:
    """Other bytes than asked for are never measured."""
    gateway.corrupt(lease.model)

    make_evaluator(_at_once).carry_out(lease)

    (failure,) = gateway.failures
    assert (failure.code, failure.retryable) == ("unavailable", True)


def _until(condition: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(PATIENCE_SECONDS * 1000):
        if condition():
            return
        tick.wait(0.001)
    pytest.fail("what was waited for did not happen")
