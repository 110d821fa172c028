"""Accuracy by confidence."""

import numpy as np
import pytest

from edgepress_evaluator.measure.reliability import BINS, reliability_curve


def _curve(confidences: list[float], right: list[bool]) -> list[tuple[int, int, float, float]]:
    curve = reliability_curve(np.array(confidences, np.float32), np.array(right))
    return [(at, each.images, each.confidence, each.accuracy) for at, each in enumerate(curve) if each.images]


def test_images_are_counted_in_the_bin_of_their_confidence() -> None:
    """A bin has its upper end: 1/3 is in the fifth of 15, a little more in the sixth; 0 in the first, 1 in the last."""
    found = _curve([0.0, 1 / 3 - 1e-6, 0.34, 0.36, 1.0, 1.0], [False, True, True, False, True, False])

    assert [(at, images, accuracy) for at, images, _, accuracy in found] == [
        (0, 1, 0),
        (4, 1, 1),
        (5, 2, 0.5),
        (14, 2, 0.5),
    ]
    assert found[2][2] == pytest.approx(0.35)


def test_there_are_fifteen_bins_even_if_most_are_empty() -> None:
    """An empty bin has zeros."""
    curve = reliability_curve(np.array([0.95], np.float32), np.array([True]))

    assert len(curve) == BINS == 15
    assert (curve[0].images, curve[0].confidence, curve[0].accuracy) == (0, 0, 0)


@pytest.mark.parametrize("confidences", [[-0.1, 0.5], [0.5, 1.2], []])
def test_scores_that_are_not_probabilities_have_no_curve(confidences: list[float]) -> None:
    """Logits are below 0 or above 1."""
    assert _curve(confidences, [True] * len(confidences)) == []


def test_a_rounded_one_is_a_probability() -> None:
    """A float32 softmax can be a little above 1; the confidence then counts as 1."""
    assert _curve([1.00001], [True]) == [(14, 1, 1.0, 1.0)]
