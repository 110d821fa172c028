"""A whole evaluation, without a gateway."""

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgepress_common.devices import EvaluationLease
from edgepress_common.errors import BrokenPromiseError, StepCancelledError
from edgepress_common.messages import Progress
from edgepress_common.results import EvaluationResult, SplitResult
from edgepress_evaluator.evaluate import Files, evaluate
from edgepress_evaluator.measure.calibration import Ceilings
from edgepress_evaluator.measure.decoding import decode_ms
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.interpreter import Classifier
from fakes.leases import make_lease
from fakes.tiny_images import CLASSES, write_pack

pytestmark = pytest.mark.slow

IMAGES = 80  # of the pack


@pytest.fixture
def model(models: Path) -> Path:
    return models / "tiny_int8.tflite"


@pytest.fixture
def files(model: Path, pack_files: tuple[Path, Path]) -> Files:
    return Files(model, *pack_files)


def _evaluate(lease: EvaluationLease, files: Files, device: Device) -> tuple[EvaluationResult, list[Progress]]:
    reports: list[Progress] = []
    result = evaluate(lease, files, device=device, report=reports.append, should_stop=lambda: False)
    return result, reports


def _expected_confusion(files: Files) -> list[list[int]]:
    classifier = Classifier(files.model, threads=1)
    confusion = np.zeros((len(CLASSES), len(CLASSES)), int)
    labels = np.load(files.labels)
    for image, label in zip(classifier.prepare(np.load(files.images)), labels, strict=True):
        confusion[label, classifier.classify(image).argmax()] += 1
    counts: list[list[int]] = confusion.tolist()
    return counts


def test_full_pass_measures_the_whole_set_at_each_number_of_threads(
    files: Files, pack_files: tuple[Path, Path], device: Device
) -> None:
    """Total, latency and accuracy come from the same inferences, one an image."""
    lease = make_lease(files.model, pack_files, threads=(1, 2))

    result, _ = _evaluate(lease, files, device)

    assert result.images == IMAGES
    assert [list(row) for row in result.confusion] == _expected_confusion(files)
    assert result.accuracy == np.trace(result.confusion) / IMAGES
    assert result.right_images is not None
    assert int.from_bytes(base64.b64decode(result.right_images)).bit_count() == np.trace(result.confusion)
    assert [measurement.threads for measurement in result.measurements] == [1, 2]
    for measurement in result.measurements:
        assert measurement.latency_ms.runs == IMAGES
        assert measurement.total_seconds == pytest.approx(measurement.latency_ms.mean * IMAGES / 1000)
        assert measurement.accuracy == result.accuracy


def test_the_time_to_decode_is_measured_where_there_is_a_coded_file(
    files: Files, pack_files: tuple[Path, Path], device: Device, models: Path
) -> None:
    """It is not measured for a file that can't be decoded."""
    lease = make_lease(files.model, pack_files, runs=1, full_pass=False)
    decoded = _evaluate(lease, replace(files, coded=models / "tiny_int8.epz"), device)[0].decode_ms
    assert decoded is not None
    assert 0 < decoded < 1000
    assert decode_ms(None) is None
    assert decode_ms(files.model) is None


def test_more_runs_than_images_leave_the_total_to_the_set(
    files: Files, pack_files: tuple[Path, Path], device: Device
) -> None:
    """Repeated images count for the latency, not for total and accuracy."""
    lease = make_lease(files.model, pack_files, runs=IMAGES * 3)

    result, _ = _evaluate(lease, files, device)

    (measurement,) = result.measurements
    assert measurement.latency_ms.runs == IMAGES * 3
    assert measurement.total_seconds is not None
    assert measurement.total_seconds < measurement.latency_ms.mean * IMAGES * 2 / 1000
    assert np.sum(result.confusion) == IMAGES


def test_without_full_pass_accuracy_is_still_of_the_whole_set(
    files: Files, pack_files: tuple[Path, Path], device: Device
) -> None:
    """A few runs for the latency; no total, no accuracy by threads; the same confusion matrix."""
    lease = make_lease(files.model, pack_files, threads=(1, 2), runs=6, full_pass=False)

    result, _ = _evaluate(lease, files, device)

    assert [list(row) for row in result.confusion] == _expected_confusion(files)
    for measurement in result.measurements:
        assert measurement.latency_ms.runs == 6
        assert measurement.total_seconds is None
        assert measurement.accuracy is None


def test_result_says_what_was_measured_and_on_what(files: Files, pack_files: tuple[Path, Path], device: Device) -> None:
    """Device, model, runtime, delegate, memory and profile."""
    lease = make_lease(files.model, pack_files)

    result, _ = _evaluate(lease, files, device)

    assert result.device == "bench"
    assert result.model_sha256 == lease.model.sha256
    assert result.peak_memory_bytes > 0
    assert result.operator_times
    assert result.surroundings.runtime.startswith("LiteRT ")
    assert (result.surroundings.delegate, result.surroundings.delegated_operators) == ("XNNPACK", 6)
    assert result.surroundings.throttled is None
    assert EvaluationResult.model_validate_json(result.model_dump_json()) == result


def test_result_has_operators_confidences_and_the_shortest_time(
    files: Files, pack_files: tuple[Path, Path], device: Device
) -> None:
    """The roofline is of the number of threads; every image is in a bin of its confidence."""
    ceilings = Ceilings(macs_per_ms={"int8": 1e9, "float32": 1e9}, bytes_per_ms={1: 1e9})
    calibrated = replace(device, ceilings=lambda threads, _: ceilings if threads == 1 else None)

    result, _ = _evaluate(make_lease(files.model, pack_files, threads=(1, 2)), files, calibrated)

    one, two = result.measurements
    assert one.roofline is not None
    assert 0 < one.roofline.floor_ms < one.latency_ms.p50
    assert two.roofline is None
    assert sum(each.images for each in result.reliability) == IMAGES
    hits = sum(each.images * each.accuracy for each in result.reliability)
    assert hits == pytest.approx(result.accuracy * IMAGES)
    assert sum(each.delegated for each in result.operators) == 6
    assert result.operators[0].macs > 0
    assert result.surroundings.reference_ms is not None
    assert (one.energy, result.surroundings.no_energy) == (None, None)


def test_missing_sensor_is_a_reason_and_not_a_failure(
    files: Files, pack_files: tuple[Path, Path], device: Device
) -> None:
    """The spec asks for the energy; the result says why there is none."""
    lease = make_lease(files.model, pack_files, energy=True)

    result, _ = _evaluate(lease, files, replace(device, power_sensor="ina219"))

    assert result.measurements[0].energy is None
    assert result.surroundings.no_energy == "no hwmon sensor ina219; present: none"


def test_energy_is_measured_if_it_is_asked_for(
    tmp_path: Path, files: Files, pack_files: tuple[Path, Path], device: Device
) -> None:
    """A sensor that always shows the same power: the energy above idle is none, within the interval."""
    folder = tmp_path / "no-root" / "sys" / "class" / "hwmon" / "hwmon0"
    folder.mkdir(parents=True)
    (folder / "name").write_text("ina219")
    (folder / "power1_input").write_text("2500000")
    lease = make_lease(files.model, pack_files, energy=True)

    result, reports = _evaluate(lease, files, replace(device, power_sensor="ina219"))

    energy = result.measurements[0].energy
    assert energy is not None
    assert energy.low_mj <= energy.mean_mj <= energy.high_mj
    assert energy.mean_mj == pytest.approx(0, abs=1)
    assert energy.idle_watts == pytest.approx(2.5)
    assert energy.sensor == "hwmon ina219"
    assert "energy, threads: 1" in {report.message for report in reports}
    assert reports[-1].fraction == 1


def test_model_that_no_delegate_takes_says_so(models: Path, pack_files: tuple[Path, Path], device: Device) -> None:
    """No delegate, no operators: the int16 kernels are the runtime's own."""
    model = models / "tiny_int16.tflite"

    result, _ = _evaluate(make_lease(model, pack_files), Files(model, *pack_files), device)

    assert (result.surroundings.delegate, result.surroundings.delegated_operators) == (None, 0)


@pytest.mark.parametrize("full_pass", [True, False])
def test_progress_rises_to_all(files: Files, pack_files: tuple[Path, Path], device: Device, *, full_pass: bool) -> None:
    """The fraction rises to 1, with an estimate of the remaining time."""
    lease = make_lease(files.model, pack_files, threads=(1, 2), full_pass=full_pass)

    _, reports = _evaluate(lease, files, device)

    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < 1
    assert fractions[-1] == 1
    assert reports[-1].seconds_left == 0


def test_throttled_pass_is_repeated_and_marked(files: Files, pack_files: tuple[Path, Path], device: Device) -> None:
    """With under-voltage from the second number of threads on, that pass is repeated, and the result has the cause."""
    readings = iter([0x0, 0x0, 0x0, 0x1, 0x1, 0x1])
    throttled = replace(device, read_throttling=lambda: next(readings))

    result, reports = _evaluate(make_lease(files.model, pack_files, threads=(1, 2)), files, throttled)

    assert next(readings, None) is None
    assert result.surroundings.throttled == ("under-voltage",)
    assert len(result.measurements) == 2
    assert reports[-1].fraction == 1


def test_undisturbed_board_says_that_nothing_held_it_back(
    files: Files, pack_files: tuple[Path, Path], device: Device
) -> None:
    """Empty is not the same as unknown."""
    result, _ = _evaluate(make_lease(files.model, pack_files), files, replace(device, read_throttling=lambda: 0))

    assert result.surroundings.throttled == ()


def test_images_of_another_size_are_refused(tmp_path: Path, model: Path, device: Device) -> None:
    """The error names both sizes."""
    np.save(tmp_path / "images.npy", np.zeros((2, 48, 48, 3), np.uint8))
    np.save(tmp_path / "labels.npy", np.zeros(2, np.int64))
    pack = tmp_path / "images.npy", tmp_path / "labels.npy"

    with pytest.raises(
        BrokenPromiseError, match="images of 32x32x3, but the images of the validation pack are 48x48x3"
    ):
        _evaluate(make_lease(model, pack), Files(model, *pack), device)


@pytest.fixture
def test_files(tmp_path: Path) -> tuple[Path, Path]:
    """A test split of 52 other tiny images and their labels."""
    (tmp_path / "test").mkdir()
    return write_pack(tmp_path / "test", count=52, seed=7)


@pytest.mark.parametrize("full_pass", [True, False])
def test_test_split_is_measured_after_the_validation_split_and_changes_nothing_of_it(
    files: Files, pack_files: tuple[Path, Path], test_files: tuple[Path, Path], device: Device, *, full_pass: bool
) -> None:
    """Counts, means and right images of the test images; all figures of the validation split as without it."""
    both = replace(files, test_images=test_files[0], test_labels=test_files[1])
    lease = make_lease(files.model, pack_files, threads=(1, 2), full_pass=full_pass, test=test_files)

    alone, _ = _evaluate(make_lease(files.model, pack_files, threads=(1, 2), full_pass=full_pass), files, device)
    result, reports = _evaluate(lease, both, device)

    assert alone.test is None
    assert "test" not in alone.model_dump()
    of_validation = set(SplitResult.model_fields)
    assert result.model_dump(include=of_validation) == alone.model_dump(include=of_validation)
    assert result.test is not None
    assert result.test.images == 52
    assert [list(row) for row in result.test.confusion] == _expected_confusion(Files(files.model, *test_files))
    right = int(np.trace(result.test.confusion))
    assert result.test.accuracy == right / 52
    assert result.test.right_images is not None
    assert int.from_bytes(base64.b64decode(result.test.right_images)).bit_count() == right
    messages = list(dict.fromkeys(report.message for report in reports))
    assert messages[-1] == "accuracy on the test images, on all processors"
    assert not any("test" in message for message in messages[:-1])
    assert reports[-1].fraction == 1
    assert EvaluationResult.model_validate_json(result.model_dump_json()) == result


def test_test_images_of_another_size_are_refused_before_the_measurement(
    tmp_path: Path, files: Files, pack_files: tuple[Path, Path], device: Device
) -> None:
    """The error names the split; nothing was timed."""
    np.save(tmp_path / "t_images.npy", np.zeros((2, 48, 48, 3), np.uint8))
    np.save(tmp_path / "t_labels.npy", np.zeros(2, np.int64))
    test = tmp_path / "t_images.npy", tmp_path / "t_labels.npy"
    reports: list[Progress] = []

    with pytest.raises(BrokenPromiseError, match="32x32x3, but the images of the test pack are 48x48x3"):
        evaluate(
            make_lease(files.model, pack_files, test=test),
            replace(files, test_images=test[0], test_labels=test[1]),
            device=device,
            report=reports.append,
            should_stop=lambda: False,
        )
    assert reports == []


def test_model_of_other_classes_is_refused(files: Files, pack_files: tuple[Path, Path], device: Device) -> None:
    """A network for four classes can't be measured on a set of three."""
    lease = make_lease(files.model, pack_files, classes=("a", "b", "c"))

    with pytest.raises(BrokenPromiseError, match="the model has 4 classes, but the data set has 3"):
        _evaluate(lease, files, device)


def test_evaluation_stops_when_told(files: Files, pack_files: tuple[Path, Path], device: Device) -> None:
    """Once it has begun to measure, it ends before another inference."""
    reports: list[Progress] = []

    with pytest.raises(StepCancelledError):
        evaluate(
            make_lease(files.model, pack_files),
            files,
            device=device,
            report=reports.append,
            should_stop=lambda: bool(reports),
        )
    assert reports[-1].fraction < 1


def test_a_probe_classifies_only_the_first_images(files: Files, pack_files: tuple[Path, Path], device: Device) -> None:
    """Its latency is measured as of any file."""
    lease = make_lease(files.model, pack_files, runs=30, full_pass=False, limit=16)
    result, reports = _evaluate(lease, files, device)
    labels = np.load(files.labels)[:16]
    assert (result.images, result.measurements[0].latency_ms.runs) == (16, 30)
    assert list(map(sum, result.confusion)) == np.bincount(labels, minlength=len(CLASSES)).tolist()
    assert reports[-1].fraction == 1.0
