"""Cached predictions of the teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_common.spec.training import Augmentation, Training
from edgepress_worker.distillation.answers import answers, can_be_asked_once
from edgepress_worker.distillation.logits import logits_of
from edgepress_worker.keras_environment import keras
from fakes.cancelling_context import CancellingContext
from fakes.small_student import small_teacher, student_pack
from fakes.step_context import PlainContext

FLIPS = Augmentation(horizontal_flip=True, vertical_flip=True)
IMAGES = student_pack().train


def _teacher() -> keras.Model:
    network = small_teacher()
    return keras.Model(network.inputs, logits_of(network))


def _no_teacher() -> keras.Model:
    pytest.fail("the teacher was asked again")


def _settings(augmentation: Augmentation) -> Training:
    return Training(batch_size=20, augmentation=augmentation)


@pytest.mark.parametrize(
    ("augmentation", "epochs", "once"),
    [
        ({}, 1, True),
        ({"horizontal_flip": True}, 1, False),
        ({"horizontal_flip": True}, 2, True),
        ({"horizontal_flip": True, "vertical_flip": True}, 3, False),
        ({"horizontal_flip": True, "vertical_flip": True}, 4, True),
        ({"rotation_degrees": 1}, 100, False),
    ],
)
def test_predictions_are_cached_if_that_is_not_more_work(augmentation: dict[str, Any], epochs: int, once: bool) -> None:
    """They are cached for at most as many mirror images as epochs, and not with rotation."""
    assert can_be_asked_once(Training.model_validate({"augmentation": augmentation, "epochs": epochs})) == once


@pytest.mark.slow
@pytest.mark.parametrize("augmentation", [Augmentation(), Augmentation(vertical_flip=True), FLIPS])
def test_cached_predictions_are_the_teachers_in_inference(augmentation: Augmentation, tmp_path: Path) -> None:
    """They are logits without dropout, for each mirror image of each image."""
    said = answers(_teacher, IMAGES, _settings(augmentation), PlainContext(tmp_path))
    mirrored = [IMAGES.images]
    if augmentation.horizontal_flip:
        mirrored += [pixels[:, :, ::-1] for pixels in mirrored]
    if augmentation.vertical_flip:
        mirrored += [pixels[:, ::-1] for pixels in mirrored]
    expected = [_teacher().predict(pixels.astype(np.float32), verbose=0) for pixels in mirrored]
    assert said.dtype == np.float32
    np.testing.assert_allclose(said, expected, rtol=1e-4, atol=1e-4)
    assert len({answer.tobytes() for answer in said}) == len(said)


def test_answers_are_kept_for_the_next_attempt(tmp_path: Path) -> None:
    """The predictions are equal, without the teacher; no other file is in the folder."""
    context = PlainContext(tmp_path)
    said = answers(_teacher, IMAGES, _settings(FLIPS), context)
    np.testing.assert_array_equal(answers(_no_teacher, IMAGES, _settings(FLIPS), context), said)
    assert isinstance(said, np.memmap)
    assert [path.name for path in context.scratch.iterdir()] == ["teacher.npy"]


def test_progress_is_told(tmp_path: Path) -> None:
    """Batch by batch, in images."""
    context = PlainContext(tmp_path)
    answers(_teacher, IMAGES, _settings(Augmentation(horizontal_flip=True)), context)
    assert [report.message for report in context.reports] == [
        f"teacher: {done} of 96 images" for done in (20, 40, 48, 68, 88, 96)
    ]


def test_cancelled_questions_leave_no_answers(tmp_path: Path) -> None:
    """It stops at the next batch; the next attempt asks again, over what was half written."""
    context = CancellingContext(tmp_path, lambda progress: progress.message == "teacher: 40 of 48 images")
    with pytest.raises(StepCancelledError):
        answers(_teacher, IMAGES, _settings(Augmentation()), context)
    assert not (context.scratch / "teacher.npy").exists()
    assert len(context.reports) == 2
    again = answers(_teacher, IMAGES, _settings(Augmentation()), PlainContext(tmp_path))
    undisturbed = answers(_teacher, IMAGES, _settings(Augmentation()), PlainContext(tmp_path / "other"))
    np.testing.assert_array_equal(again, undisturbed)
