"""Several teachers as one."""

from __future__ import annotations

import numpy as np
import pytest

from edgepress_worker.distillation.ensemble import averaged, teacher_of
from edgepress_worker.distillation.logits import logits_of
from edgepress_worker.keras_environment import keras
from fakes.small_student import small_student, small_teacher, student_pack

PIXELS = student_pack().train.images[:8].astype(np.float32)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_their_softened_probabilities_are_averaged(temperature: float) -> None:
    """The mean is that of probabilities, not of logits, even where one teacher is much surer than the others."""
    logits = np.random.default_rng(1).normal(0, [[[1]], [[5]], [[40]]], (3, 6, 4))
    found = averaged(list(logits.astype(np.float32)), temperature).numpy() / temperature
    expected = np.mean([_softmax(each / temperature) for each in logits], axis=0)
    np.testing.assert_allclose(_softmax(found), expected, rtol=1e-4, atol=1e-7)


def test_one_teacher_keeps_its_logits() -> None:
    """They are its own, bit for bit, so that a single teacher gives the students that it always gave."""
    network = small_teacher()
    expected = keras.Model(network.inputs, logits_of(network))(PIXELS, training=False)
    np.testing.assert_array_equal(teacher_of([network], 4.0)(PIXELS, training=False), expected)


def test_networks_of_one_name_can_teach_together() -> None:
    """Two trainings of one architecture have equal names; dropout and batch statistics are off."""
    networks = [small_student(), small_student(), small_teacher()]
    found = teacher_of(networks, 2.0)(PIXELS, training=False)
    each = [keras.Model(network.inputs, logits_of(network))(PIXELS, training=False) for network in networks]
    np.testing.assert_allclose(found, averaged(each, 2.0), rtol=1e-4, atol=1e-5)
