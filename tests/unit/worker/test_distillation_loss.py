"""Distillation's loss, as plain mathematics."""

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_worker.distillation.loss import divergence
from edgepress_worker.keras_environment import tf

Logits = npt.NDArray[np.float32]


def _logits(seed: int, scale: float = 3.0) -> Logits:
    return np.random.default_rng(seed).normal(0, scale, (20, 8)).astype(np.float32)


def _softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def _gradient(taught: Logits, logits: Logits, temperature: float) -> Logits:
    student = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(student)
        loss = divergence(tf.constant(taught), student, temperature)
    return np.asarray(tape.gradient(loss, student))


@pytest.mark.parametrize("temperature", [1.0, 2.5, 10.0])
def test_loss_is_hintons(temperature: float) -> None:
    """T squared times sum p log(p / q), image by image, as written down in float64."""
    taught, logits = _logits(0), _logits(1)
    p, q = (_softmax(part.astype(np.float64) / temperature) for part in (taught, logits))
    expected = temperature**2 * np.sum(p * np.log(p / q), axis=1)
    found = divergence(taught, logits, temperature)
    assert found.shape == (20,)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=temperature**2 * 1e-6)


@pytest.mark.parametrize("temperature", [1.0, 10.0, 100.0])
def test_gradient_is_that_of_the_formula(temperature: float) -> None:
    """T (q - p), however high the temperature."""
    taught, logits = _logits(0), _logits(1)
    p, q = (_softmax(part.astype(np.float64) / temperature) for part in (taught, logits))
    np.testing.assert_allclose(_gradient(taught, logits, temperature), temperature * (q - p), rtol=1e-3, atol=1e-4)


def test_temperature_does_not_change_the_size_of_the_gradient() -> None:
    """With the factor T squared, gradients approach the difference of centred logits; without, a 10,000th of it."""
    taught, logits = _logits(0), _logits(1)
    difference = logits - taught
    limit = (difference - difference.mean(axis=1, keepdims=True)) / difference.shape[1]
    sizes = [np.linalg.norm(_gradient(taught, logits, temperature)) for temperature in (10.0, 30.0, 100.0)]
    assert sizes == pytest.approx([np.linalg.norm(limit)] * 3, rel=0.1)
    np.testing.assert_allclose(_gradient(taught, logits, 100.0), limit, atol=0.05 * np.abs(limit).max())


@pytest.mark.parametrize("temperature", [1.0, 10.0, 100.0])
def test_student_that_says_the_same_has_no_loss(temperature: float) -> None:
    """Loss and gradient are exactly zero; with a constant added to its logits, they are zero up to rounding."""
    taught = _logits(0)
    np.testing.assert_array_equal(divergence(taught, taught, temperature), 0)
    # T (q - p), and of numbers up to 1 a float32 softmax is good to two units in the last place.
    rounding = 4 * float(np.finfo(np.float32).eps)
    np.testing.assert_allclose(_gradient(taught, taught, temperature), 0, atol=temperature * rounding)
    np.testing.assert_allclose(divergence(taught, taught + 4, temperature), 0, atol=temperature**2 * 1e-6)


def test_extreme_logits_are_not_a_problem() -> None:
    """Probabilities that float32 rounds to 0 and 1 lead neither to infinity nor to a constant loss."""
    certain, wrong = np.array([[500.0, 0, 0]], np.float32), np.array([[0, 500.0, 0]], np.float32)
    np.testing.assert_allclose(divergence(certain, wrong, 1.0), 500)
    np.testing.assert_allclose(_gradient(certain, wrong, 1.0), [[-1, 1, 0]], atol=1e-6)
