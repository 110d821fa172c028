"""Timing inferences."""

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.measure.latency import TimedPass, median_half_width, summarise, timed_pass
from edgepress_evaluator.measure.predictions import Predictions
from edgepress_evaluator.measure.timing import repeated_if_unsteady
from edgepress_evaluator.validation_pack import ValidationPack


@pytest.fixture
def pack(pack_files: tuple[Path, Path]) -> ValidationPack:
    return ValidationPack.open(*pack_files)


def _timed(
    models: Path, pack: ValidationPack, inferences: int, warmup_runs: int = 0
) -> tuple[TimedPass, list[int], int]:
    """Return a pass, its progress messages, and the number of checks for a stop."""
    advances: list[int] = []
    questions = []

    def should_stop() -> bool:
        questions.append(1)
        return False

    timed = timed_pass(
        models / "tiny_int8.tflite",
        pack,
        threads=1,
        warmup_runs=warmup_runs,
        inferences=inferences,
        advance=advances.append,
        should_stop=should_stop,
    )
    return timed, advances, len(questions)


def test_pass_predicts_each_image_in_order(models: Path, pack: ValidationPack) -> None:
    """The predictions are the classifier's, one an image."""
    timed, _, _ = _timed(models, pack, inferences=len(pack))

    classifier = Classifier(models / "tiny_int8.tflite", threads=1)
    images = np.concatenate(list(pack.chunks(0, len(pack))))
    scores = [classifier.classify(image) for image in classifier.prepare(images)]
    assert timed.predictions.classes.tolist() == [each.argmax() for each in scores]
    highest = timed.predictions.scores[:, 0].tolist()
    assert highest == pytest.approx([(int(each.max()) + 128) / 256 for each in scores])


def test_every_inference_has_a_time(models: Path, pack: ValidationPack) -> None:
    """One latency each, above zero; so are the times of loading and of the first inference."""
    timed, _, _ = _timed(models, pack, inferences=30)

    assert timed.latencies_ms.shape == (30,)
    assert timed.latencies_ms.min() > 0
    assert timed.load_ms > 0
    assert timed.first_inference_ms > 0


def test_small_set_is_gone_through_again(models: Path, pack: ValidationPack) -> None:
    """If there are more inferences than images, they begin again with the first image."""
    timed, _, _ = _timed(models, pack, inferences=len(pack) + 10)

    assert timed.predictions.classes[len(pack) :].tolist() == timed.predictions.classes[:10].tolist()


@pytest.mark.parametrize(("asked", "made"), [(0, 1), (1, 1), (7, 7)])
def test_warm_up_comes_before_and_is_not_counted(models: Path, pack: ValidationPack, asked: int, made: int) -> None:
    """There is at least one: the first inference is a separate figure."""
    timed, advances, inferences = _timed(models, pack, inferences=5, warmup_runs=asked)

    assert inferences == made + 5
    assert len(timed.latencies_ms) == sum(advances) == 5


def test_pass_stops_before_the_next_inference(models: Path, pack: ValidationPack) -> None:
    """Told to stop after ten inferences, it makes no other, in the middle of a chunk."""
    answers = iter([False] * 10 + [True])

    with pytest.raises(StepCancelledError):
        timed_pass(
            models / "tiny_int8.tflite",
            pack,
            threads=1,
            warmup_runs=1,
            inferences=80,
            advance=lambda _: None,
            should_stop=lambda: next(answers),
        )
    assert next(answers, None) is None


def test_garbage_is_not_collected_while_time_is_taken(models: Path, pack: ValidationPack) -> None:
    """The collector is off during the pass, and on again after it."""
    seen = []

    def should_stop() -> bool:
        seen.append(gc.isenabled())
        return False

    timed_pass(
        models / "tiny_int8.tflite",
        pack,
        threads=1,
        warmup_runs=1,
        inferences=3,
        advance=lambda _: None,
        should_stop=should_stop,
    )

    assert not any(seen)
    assert gc.isenabled()


def test_summary_of_known_latencies() -> None:
    """1 to 101 ms: the percentiles are the values at those places."""
    found = summarise(np.arange(1.0, 102.0))

    assert (found.runs, found.min, found.mean, found.max) == (101, 1, 51, 101)
    assert (found.p50, found.p90, found.p99) == (51, 91, 100)
    assert found.std == pytest.approx(np.sqrt((101**2 - 1) / 12))


def test_summary_of_a_single_latency() -> None:
    """One run is its own mean, with no spread."""
    found = summarise(np.array([3.5]))

    assert (found.runs, found.mean, found.std, found.p99) == (1, 3.5, 0, 3.5)


def test_the_medians_interval_is_that_of_ten_block_medians() -> None:
    """Ten blocks whose medians are 1 to 10: a standard error of s / sqrt(10), times 2.262."""
    latencies = np.repeat(np.arange(1.0, 11.0), 5)
    half = median_half_width(latencies)
    assert half is not None
    assert half == pytest.approx(2.2621571628540993 * np.std(np.arange(1.0, 11.0), ddof=1) / np.sqrt(10))
    found = summarise(latencies)
    assert found.p50_low == pytest.approx(5.5 - half)
    assert found.p50_high == pytest.approx(5.5 + half)


def test_few_latencies_have_no_interval() -> None:
    """Less than two for each block."""
    assert median_half_width(np.ones(19)) is None
    assert summarise(np.ones(19)).p50_low is None
    assert summarise(np.ones(20)).p50_low == 1


def test_the_interval_covers_the_median_of_latencies_that_depend_on_each_other() -> None:
    """An autoregressive series, of which the interval for independent values covers far less than 95 %."""
    random = np.random.default_rng(0)
    covered = independent = 0
    for _ in range(400):
        noise, series = random.normal(size=1100), np.zeros(1100)
        for at in range(1, len(series)):
            series[at] = 0.8 * series[at - 1] + noise[at]
        latencies = 10 + series[100:]
        half = median_half_width(latencies)
        assert half is not None
        covered += int(abs(np.median(latencies) - 10) <= half)
        plain = 1.96 * 1.2533 * latencies.std() / np.sqrt(len(latencies))
        independent += int(abs(np.median(latencies) - 10) <= plain)
    assert covered / 400 > 0.9
    assert independent / 400 < 0.7


def passes(*series: list[float]) -> Iterator[TimedPass]:
    """Passes with these latencies."""
    for latencies in series:
        count = len(latencies)
        predictions = Predictions(np.zeros(count, np.int64), np.zeros((count, 2), np.float32))
        yield TimedPass(1, 1.0, 1.0, np.array(latencies), predictions)


STEADY, DISTURBED, SLOW = [1.0] * 40, [1.0] * 16 + [9.0] * 24, [3.0] * 40


@pytest.mark.parametrize(
    ("series", "kept", "repetitions"),
    [
        ([STEADY, SLOW], STEADY, 0),
        ([DISTURBED, STEADY, SLOW], STEADY, 1),
        ([DISTURBED, SLOW, STEADY], SLOW, 1),
        ([DISTURBED, DISTURBED, DISTURBED, STEADY], DISTURBED, 2),
        ([[1e5 * each for each in DISTURBED], STEADY], [1e5 * each for each in DISTURBED], 0),
    ],
)
def test_an_uncertain_pass_is_repeated(series: list[list[float]], kept: list[float], repetitions: int) -> None:
    """Up to twice, unless it is long; the one with the lowest median is kept."""
    measured, repeated = passes(*series), []
    found = repeated_if_unsteady(lambda: next(measured), on_repeat=lambda: repeated.append(1))
    assert found.latencies_ms.tolist() == kept
    assert len(repeated) == repetitions
