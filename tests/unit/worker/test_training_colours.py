"""Random changes of colours."""

import colorsys

import numpy as np
import pytest

from edgepress_common.spec.training import Augmentation
from edgepress_worker.training.colours import ColourChanges

IMAGES = np.random.default_rng(3).integers(0, 256, (4, 6, 6, 3)).astype(np.float32)


def _changed(**strengths: float) -> tuple[np.ndarray, np.ndarray]:
    changes = ColourChanges(Augmentation.model_validate(strengths))
    (factors,) = changes.draw(len(IMAGES), np.random.default_rng(1))
    labels, weights = np.eye(4, dtype=np.float32), np.ones(4, np.float32)
    pixels, same_labels, same_weights = changes.apply(IMAGES, labels, weights, factors)
    np.testing.assert_array_equal(same_labels, labels)
    np.testing.assert_array_equal(same_weights, weights)
    return np.asarray(pixels), factors


def test_brightness_is_a_factor() -> None:
    """Each image has its own, within the strength; what is too bright is white."""
    found, factors = _changed(brightness=0.5)
    np.testing.assert_allclose(found, np.minimum(IMAGES * factors[:, :1, None, None], 255), rtol=1e-6)
    assert (np.abs(factors[:, 0] - 1) <= 0.5).all()
    assert len(set(factors[:, 0])) == len(IMAGES)
    np.testing.assert_array_equal(factors[:, 1:], 1)


def test_contrast_is_the_distance_from_the_mean_grey() -> None:
    """Distances are scaled by the factor, where they are not limited."""
    found, factors = _changed(contrast=0.9)
    for image, changed, factor in zip(IMAGES, found, factors[:, 1], strict=True):
        mean = np.mean(image @ np.array([0.299, 0.587, 0.114]))
        np.testing.assert_allclose(changed, np.clip(mean + factor * (image - mean), 0, 255), atol=1e-3)


def test_saturation_keeps_grey_and_hue() -> None:
    """The grey of a pixel stays, as long as no channel is limited; so does its hue."""
    found, factors = _changed(saturation=1.0)
    weights = np.array([0.299, 0.587, 0.114])
    inside = ((found > 0) & (found < 255)).all(axis=3) & (factors[:, 2] > 0.2)[:, None, None]
    assert inside.sum() > 20
    np.testing.assert_allclose((found @ weights)[inside], (IMAGES @ weights)[inside], atol=1e-3)
    for before, after in zip(IMAGES[inside], found[inside], strict=True):
        hues = [colorsys.rgb_to_hsv(*(pixel / 255))[0] for pixel in (before, after)]
        assert abs(hues[0] - hues[1]) % 1 == pytest.approx(0, abs=1e-3)
