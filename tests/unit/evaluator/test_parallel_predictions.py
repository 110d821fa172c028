"""Classifying the whole pack on all processors at once."""

from pathlib import Path

import numpy as np
import pytest

from edgepress_common.errors import BrokenPromiseError, StepCancelledError
from edgepress_evaluator.measure.accuracy import parallel_predictions
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.validation_pack import ValidationPack


@pytest.fixture
def pack(pack_files: tuple[Path, Path]) -> ValidationPack:
    return ValidationPack.open(*pack_files)


@pytest.mark.parametrize("workers", [1, 3, 100])
def test_predictions_are_those_of_one_interpreter(models: Path, pack: ValidationPack, workers: int) -> None:
    """However many share the work, each image gets its own answer, and progress adds up to all."""
    advances: list[int] = []
    predictions = parallel_predictions(
        models / "tiny_float32.tflite", pack, workers=workers, advance=advances.append, should_stop=lambda: False
    )

    classifier = Classifier(models / "tiny_float32.tflite", threads=1)
    images = np.concatenate(list(pack.chunks(0, len(pack))))
    scores = [classifier.classify(image) for image in classifier.prepare(images)]
    assert predictions.classes.tolist() == [each.argmax() for each in scores]
    assert predictions.scores[:, 0].tolist() == pytest.approx([float(each.max()) for each in scores])
    assert sum(advances) == len(pack)


def test_all_workers_stop_when_told(models: Path, pack: ValidationPack) -> None:
    """All workers end, and joining them does not block."""
    with pytest.raises(StepCancelledError):
        parallel_predictions(
            models / "tiny_float32.tflite", pack, workers=3, advance=lambda _: None, should_stop=lambda: True
        )


def test_file_that_is_not_a_model_is_refused(tmp_path: Path, pack: ValidationPack) -> None:
    """It is refused before a thread is started."""
    (tmp_path / "model.tflite").write_bytes(b"no model")

    with pytest.raises(BrokenPromiseError):
        parallel_predictions(
            tmp_path / "model.tflite", pack, workers=2, advance=lambda _: None, should_stop=lambda: False
        )
