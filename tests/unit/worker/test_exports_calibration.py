"""Representative images: which, and how they are handed out."""

from pathlib import Path

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_worker.exports.calibration import Calibration, draw_representatives
from fakes.small_network import small_pack
from fakes.step_context import PlainContext


def test_every_class_appears_however_rare() -> None:
    """A class with two images of a thousand is among the representatives, with both of them."""
    labels = np.array([0] * 700 + [1] * 298 + [2] * 2)
    drawn = labels[draw_representatives(labels, 20, seed=1)]
    assert np.bincount(drawn).tolist() == [9, 9, 2]


def test_fewer_images_than_classes_are_of_different_classes() -> None:
    """With three images for ten classes, no class comes twice."""
    labels = np.repeat(np.arange(10), 5)
    drawn = labels[draw_representatives(labels, 3, seed=1)]
    assert len(set(drawn.tolist())) == 3


def test_no_image_is_drawn_twice_and_all_are_drawn_if_asked_for_more() -> None:
    """More representatives than images are all the images, once, in their order."""
    labels = np.array([1, 0, 1, 1, 0])
    assert draw_representatives(labels, 100, seed=1).tolist() == [0, 1, 2, 3, 4]


def test_the_seed_decides_the_choice() -> None:
    """Equal seeds choose equal images, in ascending order; another seed chooses others."""
    labels = np.arange(500) % 5
    first, again, other = (draw_representatives(labels, 50, seed).tolist() for seed in (1, 1, 2))
    assert first == again == sorted(first)
    assert first != other


def test_images_come_as_floats_one_at_a_time(tmp_path: Path) -> None:
    """The converter gets the chosen images, unscaled, in batches of one."""
    pack = small_pack()
    inputs = list(Calibration(pack.train, 3, PlainContext(tmp_path)).dataset(6)())
    chosen = draw_representatives(pack.train.labels, 6, seed=3)
    assert all(len(arguments) == 1 and arguments[0].dtype == np.float32 for arguments in inputs)
    assert np.array_equal(np.concatenate([image for (image,) in inputs]), pack.train.images[chosen])


def test_a_second_round_gives_the_same_and_does_not_take_progress_back(tmp_path: Path) -> None:
    """int16x8 reads the images twice: the message counts again, the fraction does not decrease."""
    context = PlainContext(tmp_path)
    dataset = Calibration(small_pack().train, 3, context).dataset(4)
    first, second = (np.concatenate([image for (image,) in dataset()]) for _ in range(2))
    assert np.array_equal(first, second)
    assert [report.message for report in context.reports] == [f"calibrating {n} of 4" for n in (1, 2, 3, 4)] * 2
    fractions = [report.fraction for report in context.reports]
    assert fractions == sorted(fractions)


def test_calibration_stops_between_images(tmp_path: Path) -> None:
    """Once the step is told to stop, no further image is given."""
    context = PlainContext(tmp_path)
    inputs = Calibration(small_pack().train, 3, context).dataset(4)()
    next(inputs)
    context.cancelled = True
    with pytest.raises(StepCancelledError):
        next(inputs)
