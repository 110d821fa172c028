"""The predictions for wrongly classified images, and their scores."""

from pathlib import Path

import numpy as np
import pytest

from edgepress_evaluator.measure.accuracy import parallel_predictions
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.measure.latency import timed_pass
from edgepress_evaluator.measure.predictions import Predictions
from edgepress_evaluator.validation_pack import ValidationPack


def test_wrong_images_have_their_scores_in_order() -> None:
    """Right images are left out; a score that is not a probability is brought into range."""
    scores = np.array([[0.9, 0.9], [0.70004, 0.2], [1.5, -2], [np.nan, 0.1]], np.float32)
    found = Predictions(np.array([0, 2, 1, 1]), scores).wrong_images(np.array([0, 1, 0, 2]))
    assert found is not None
    assert (found.predicted, found.scores, found.true_scores) == ((2, 1, 1), (0.7, 1.0, 0.0), (0.2, 0.0, 0.1))


def test_too_many_wrong_images_are_not_sent() -> None:
    """A file that is wrong so often is of no use."""
    count = 20_001
    assert (
        Predictions(np.ones(count, np.int64), np.zeros((count, 2), np.float32)).wrong_images(np.zeros(count, np.int64))
        is None
    )


@pytest.mark.parametrize("model", ["tiny_float32.tflite", "tiny_int8.tflite"])
def test_scores_are_probabilities_of_the_predicted_and_the_true_class(
    models: Path, pack_files: tuple[Path, Path], model: str
) -> None:
    """In a timed pass and on all processors, as one interpreter computes them."""
    pack = ValidationPack.open(*pack_files)
    classifier = Classifier(models / model, threads=1)
    images = np.concatenate(list(pack.chunks(0, len(pack))))
    plain = np.concatenate([classifier.dequantized(classifier.classify(image)) for image in classifier.prepare(images)])
    expected = np.stack([plain.max(axis=1), plain[np.arange(len(pack)), pack.labels]], axis=1)
    assert plain.sum(axis=1) == pytest.approx(np.ones(len(pack)), abs=0.02)
    parallel = parallel_predictions(models / model, pack, workers=3, advance=ignore, should_stop=lambda: False)
    timed = timed_pass(
        models / model, pack, threads=1, warmup_runs=3, inferences=len(pack) + 5, advance=ignore,
        should_stop=lambda: False,
    )  # fmt: skip
    for found in (parallel, timed.predictions.first(len(pack))):
        assert found.scores == pytest.approx(expected, abs=1e-6)


def ignore(_: int) -> None:
    """Take no note of progress."""
