"""The evaluator's work on a lease, and its errors."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgepress_common.bundle_files.decode import MAGIC, RAW
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
from fakes.leases import STEP_KEY, make_lease, reference_to
from fakes.tiny_images import write_pack

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
    """A function that creates an evaluator with given measurements and short pauses."""

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


def test_files_of_a_test_split_are_fetched_and_cached_like_the_others(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease, tmp_path: Path
) -> None:
    """A download that is cut off is resumed, each file is verified, and the next evaluation finds them in the cache."""
    (tmp_path / "test").mkdir()
    test = write_pack(tmp_path / "test", count=12, seed=7)
    gateway.store(*test)
    images, labels = map(reference_to, test)
    seen: list[tuple[bytes, bytes]] = []

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        if files.test_images is not None and files.test_labels is not None:
            seen.append((files.test_images.read_bytes(), files.test_labels.read_bytes()))
        return RESULT

    evaluator = make_evaluator(evaluate)
    evaluator.carry_out(lease)
    gateway.downloads.clear()
    gateway.cuts = 1
    for _ in range(2):
        evaluator.carry_out(lease.model_copy(update={"test_images": images, "test_labels": labels}))

    assert seen == [(test[0].read_bytes(), test[1].read_bytes())] * 2
    (first, second, third) = gateway.downloads
    assert (first, third) == ((images.sha256, 0), (labels.sha256, 0))
    assert (second[0], second[1] > 0) == (images.sha256, True)
    assert gateway.failures == []


def test_a_model_is_restored_from_its_coded_file(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease, models: Path
) -> None:
    """The smaller file is downloaded instead of the model, once; what it restores to is measured."""
    coded = models / "tiny_int8.epz"
    gateway.store(coded)
    seen: list[tuple[bytes, bytes | None]] = []

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        seen.append((files.model.read_bytes(), None if files.coded is None else files.coded.read_bytes()))
        return RESULT

    evaluator = make_evaluator(evaluate)
    for _ in range(2):
        evaluator.carry_out(lease.model_copy(update={"coded": {lease.model.sha256: reference_to(coded)}}))

    assert seen == [((models / "tiny_int8.tflite").read_bytes(), coded.read_bytes())] * 2
    sent = [sha256 for sha256, _ in gateway.downloads]
    assert sent == [each.sha256 for each in (reference_to(coded), lease.images, lease.labels)]


def _number(value: int) -> bytes:
    return bytes((value & 127 | 128, value >> 7 & 127 | 128, value >> 14))


def test_images_are_restored_from_their_coded_file(
    gateway: FakeGateway,
    make_evaluator: Callable[[Evaluate], Evaluator],
    lease: EvaluationLease,
    pack_files: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    """They are the same bytes; the model, which has no coded file here, is downloaded."""
    plain = pack_files[0].read_bytes()
    content = MAGIC + bytes((1,)) + len(plain).to_bytes(8, "little") + bytes.fromhex(lease.images.sha256)
    content += b"\0" + _number(len(plain)) + _number(len(plain) + 1) + bytes((RAW,)) + plain
    coded = tmp_path / "images.epz"
    coded.write_bytes(content)
    gateway.store(coded)
    seen: list[tuple[bytes, Path | None]] = []

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        seen.append((files.images.read_bytes(), files.coded))
        return RESULT

    make_evaluator(evaluate).carry_out(
        lease.model_copy(update={"coded": {lease.images.sha256: reference_to(coded), "0" * 64: reference_to(coded)}})
    )

    assert seen == [(plain, None)]
    sent = [sha256 for sha256, _ in gateway.downloads]
    assert sent == [each.sha256 for each in (reference_to(coded), lease.model, lease.labels)]


@pytest.mark.parametrize("change", [lambda content: b"\x89EPZ\x02" + content[5:], lambda content: content[:-9]])
def test_a_model_whose_coded_file_can_not_be_decoded_is_downloaded(
    gateway: FakeGateway,
    make_evaluator: Callable[[Evaluate], Evaluator],
    lease: EvaluationLease,
    models: Path,
    tmp_path: Path,
    change: Callable[[bytes], bytes],
) -> None:
    """A file of a newer release, or a damaged one, does not stop the evaluation."""
    coded = tmp_path / "coded.epz"
    coded.write_bytes(change((models / "tiny_int8.epz").read_bytes()))
    gateway.store(coded)

    make_evaluator(_at_once).carry_out(lease.model_copy(update={"coded": {lease.model.sha256: reference_to(coded)}}))

    assert gateway.results == [RESULT]
    assert lease.model.sha256 in [sha256 for sha256, _ in gateway.downloads]


def test_a_coded_file_of_another_model_is_not_measured(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], pack_files: tuple[Path, Path], models: Path
) -> None:
    """The SHA-256 of the lease's model decides."""
    gateway.store(models / "tiny_uint8.tflite", models / "tiny_int8.epz")
    lease = make_lease(models / "tiny_uint8.tflite", pack_files)
    seen: list[bytes] = []

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        seen.append(files.model.read_bytes())
        return RESULT

    make_evaluator(evaluate).carry_out(
        lease.model_copy(update={"coded": {lease.model.sha256: reference_to(models / "tiny_int8.epz")}})
    )

    assert seen == [(models / "tiny_uint8.tflite").read_bytes()]


def test_a_corrupt_file_of_a_test_split_fails_the_evaluation(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease, tmp_path: Path
) -> None:
    """Its SHA-256 does not match; nothing is measured with it."""
    (tmp_path / "test").mkdir()
    test = write_pack(tmp_path / "test", count=12, seed=7)
    gateway.store(*test)
    images, labels = map(reference_to, test)
    gateway.corrupt(labels)

    make_evaluator(_at_once).carry_out(lease.model_copy(update={"test_images": images, "test_labels": labels}))

    assert (gateway.results, [failure.code for failure in gateway.failures]) == ([], ["artifact_corrupt"])


def test_a_device_tells_how_warm_it_is_whenever_it_asks(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator]
) -> None:
    """The sensor is read each time; a machine without a sensor reports no value."""
    degrees = iter((40.0, 51.5, None))
    evaluator = replace(make_evaluator(_at_once), temperature_c=lambda: next(degrees))

    for expected in (40.0, 51.5, None):
        assert evaluator._next_lease("r1") is None
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
    """A refused renewal is detected between inferences; no result is submitted."""

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
    """Each error while measuring fails the step; an unexpected one includes its traceback."""

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


@pytest.mark.parametrize("knows_requests", [True, False])
def test_a_lease_whose_answer_is_lost_by_a_stop_is_given_back(
    gateway: FakeGateway,
    make_evaluator: Callable[[Evaluate], Evaluator],
    lease: EvaluationLease,
    stop: StopRequest,
    *,
    knows_requests: bool,
) -> None:
    """The process is told to stop while the answer is on its way; a gateway of an earlier release does not stop it."""
    gateway.knows_requests = knows_requests
    gateway.offer(lease)
    evaluator = make_evaluator(_at_once)
    client = _StoppedWhileAnswered(gateway.connection(), "pi")
    client.stop = stop

    replace(evaluator, client=client).run()

    assert gateway.given_back == ([lease.step_key] if knows_requests else [])
    assert gateway.results == []


def test_a_request_is_repeated_under_its_name(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease, stop: StopRequest
) -> None:
    """An answer that was lost on the wire is given again; the request after it has another name."""
    gateway.offer(lease)
    gateway.offer(lease.model_copy(update={"attempt": 2}))
    gateway.lost_answers = 1
    seen = []

    def evaluate(lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop) -> EvaluationResult:
        seen.append(lease.attempt)
        stop.requested = len(seen) == 2
        return RESULT

    make_evaluator(evaluate).run()

    assert seen == [1, 2]


class _StoppedWhileAnswered(GatewayClient):
    stop: StopRequest

    def lease(self, announcement: Announcement, wait_seconds: float, request: str) -> EvaluationLease | None:
        super().lease(announcement, wait_seconds, request)
        self.stop.requested = True
        raise StepCancelledError("the signal came in this instant")


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
    """Bytes that do not match the reference are never measured."""
    gateway.corrupt(lease.model)

    make_evaluator(_at_once).carry_out(lease)

    (failure,) = gateway.failures
    assert (failure.code, failure.retryable) == ("artifact_corrupt", True)


def _until(condition: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(PATIENCE_SECONDS * 1000):
        if condition():
            return
        tick.wait(0.001)
    pytest.fail("what was waited for did not happen")


def test_on_a_full_disk_the_evaluation_is_given_back_and_the_gateway_told(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease, tmp_path: Path,
    stop: StopRequest,
) -> None:  # fmt: skip
    """No attempt fails. The device asks for nothing else until there is space, and then measures."""
    free = [0]
    evaluator = replace(
        make_evaluator(_at_once), cache=ArtifactCache(tmp_path / "cache", 1 << 20, free_bytes=lambda _: free[0])
    )
    gateway.offer(lease)
    thread = threading.Thread(target=evaluator.run)
    thread.start()
    _until(lambda: any(each.problem is not None for each in gateway.announced))
    assert gateway.given_back == [STEP_KEY]
    free[0] = 1 << 20
    _until(lambda: gateway.announced[-1].problem is None)
    gateway.offer(lease)
    _until(lambda: bool(gateway.results))
    stop.requested = True
    thread.join(PATIENCE_SECONDS)
    problems = {each.problem for each in gateway.announced}
    assert len(problems) == 2
    assert "is too full: an evaluation needs" in str(max(problems - {None}, key=str))
    assert gateway.failures == []


def test_an_earlier_gateway_is_told_of_a_full_disk_as_a_failure(
    gateway: FakeGateway, make_evaluator: Callable[[Evaluate], Evaluator], lease: EvaluationLease, tmp_path: Path,
    stop: StopRequest,
) -> None:  # fmt: skip
    """It can't take a lease back."""
    gateway.knows_requests = False
    evaluator = replace(
        make_evaluator(_at_once), cache=ArtifactCache(tmp_path / "cache", 1 << 20, free_bytes=lambda _: 0)
    )
    gateway.offer(lease)
    thread = threading.Thread(target=evaluator.run)
    thread.start()
    _until(lambda: bool(gateway.failures))
    stop.requested = True
    thread.join(PATIENCE_SECONDS)
    (failure,) = gateway.failures
    assert (failure.code, failure.retryable) == ("disk_full", True)
