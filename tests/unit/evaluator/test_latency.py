"""Timing inferences."""

import gc
from pathlib import Path

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.measure.latency import TimedPass, summarise, timed_pass
from edgepress_evaluator.validation_pack import ValidationPack


@pytest.fixture
def pack(pack_files: tuple[Path, Path]) -> ValidationPack:
    return ValidationPack.open(*pack_files)


def _timed(
    models: Path, pack: ValidationPack, inferences: int, warmup_runs: int = 0
) -> tuple[TimedPass, list[int], int]:
    """A pass, what it told of its progress, and how often it asked whether to stop."""
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
    assert timed.predictions.tolist() == [classifier.classify(image).argmax() for image in classifier.prepare(images)]


def test_every_inference_has_a_time(models: Path, pack: ValidationPack) -> None:
    """One latency each, above zero; so are the times of loading and of the first inference."""
    timed, _, _ = _timed(models, pack, inferences=30)

    assert timed.latencies_ms.shape == (30,)
    assert timed.latencies_ms.min() > 0
    assert timed.load_ms > 0
    assert timed.first_inference_ms > 0


def test_small_set_is_gone_through_again(models: Path, pack: ValidationPack) -> None:
    """More inferences than images begin anew with the first image."""
    timed, _, _ = _timed(models, pack, inferences=len(pack) + 10)

    assert timed.predictions[len(pack) :].tolist() == timed.predictions[:10].tolist()


@pytest.mark.parametrize(("asked", "made"), [(0, 1), (1, 1), (7, 7)])
def test_warm_up_comes_before_and_is_not_counted(models: Path, pack: ValidationPack, asked: int, made: int) -> None:
    """At least one: the first inference is a figure of its own."""
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
