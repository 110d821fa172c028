"""Distillation's loss, as plain mathematics."""

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_worker.distillation.loss import decoupled_divergence, divergence, relation
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


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_decoupled_loss_is_the_papers(temperature: float) -> None:
    """Equation 7, written down with probabilities in float64; sure teachers do not make it overflow."""
    taught, logits = _logits(0, scale=6), _logits(1)
    targets = np.random.default_rng(2).integers(0, 8, 20)
    p, q = (_softmax(part.astype(np.float64) / temperature) for part in (taught, logits))
    expected = []
    for teacher, student, target in zip(p, q, targets, strict=True):
        pairs = [np.array([each[target], 1 - each[target]]) for each in (teacher, student)]
        others = [np.delete(each, target) / (1 - each[target]) for each in (teacher, student)]
        of_class, of_others = (np.sum(a * np.log(a / b)) for a, b in (pairs, others))
        expected.append(temperature**2 * (0.7 * of_class + 3 * of_others))
    found = decoupled_divergence(taught, logits, np.eye(8, dtype=np.float32)[targets], temperature, (0.7, 3.0))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=temperature**2 * 1e-5)


def test_parts_of_the_decoupled_loss_make_the_plain_one() -> None:
    """Weighted by the teacher's probability of the other classes, as in equation 5; equal logits lose nothing."""
    taught, logits = _logits(0), _logits(1)
    labels = np.eye(8, dtype=np.float32)[np.arange(20) % 8]
    of_class, of_others = (decoupled_divergence(taught, logits, labels, 2.0, w) for w in ((1.0, 0.0), (0.0, 1.0)))
    rest = 1 - np.sum(_softmax(taught.astype(np.float64) / 2) * labels, axis=1)
    np.testing.assert_allclose(of_class + rest * of_others, divergence(taught, logits, 2.0), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(decoupled_divergence(taught, taught, labels, 2.0, (1.0, 1.0)), 0, atol=1e-5)
    assert np.isfinite(decoupled_divergence(100 * taught, -100 * logits, labels, 1.0, (1.0, 1.0))).all()


def test_relation_is_the_papers() -> None:
    """One minus Pearson's correlations over classes and over images, as numpy computes them."""
    taught, logits = _logits(0), _logits(1)
    weights = np.random.default_rng(4).uniform(0.5, 2, 20).astype(np.float32)
    p, q = (_softmax(part.astype(np.float64) / 3) for part in (taught, logits))
    of_images = np.mean([w * (1 - np.corrcoef(a, b)[0, 1]) for w, a, b in zip(weights, p, q, strict=True)])
    of_classes = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p.T, q.T, strict=True)])
    found = relation(taught, logits, weights, 3.0, (2.0, 0.5))
    assert float(found) == pytest.approx(9 * (2 * of_images + 0.5 * of_classes), rel=1e-4)
    assert float(relation(taught, taught, weights, 3.0, (1.0, 1.0))) == pytest.approx(0, abs=1e-4)


def test_relation_of_a_single_or_undecided_image_is_finite() -> None:
    """A constant has no correlation; its gradient is finite, too."""
    logits = tf.Variable(np.zeros((1, 8), np.float32))
    with tf.GradientTape() as tape:
        loss = relation(_logits(0)[:1], logits, np.ones(1, np.float32), 1.0, (1.0, 1.0))
    assert np.isfinite(loss)
    assert np.isfinite(tape.gradient(loss, logits)).all()
