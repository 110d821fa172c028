"""The layer of a network that returns its logits."""

from collections.abc import Callable

import numpy as np
import pytest

from edgepress_worker.distillation.logits import logits_of
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.quantization.activation_range import ActivationRange

layers = keras.layers

_PIXELS = np.random.default_rng(0).uniform(0, 255, (6, 8, 8, 3)).astype(np.float32)


def _classifier(behind: Callable[[tf.Tensor], tf.Tensor], activation: str | None = None) -> keras.Model:
    pixels = keras.Input((8, 8, 3))
    pooled = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 25)(pixels))
    return keras.Model(pixels, behind(layers.Dense(4, activation=activation, name="classifier")(pooled)))


def _logits(network: keras.Model) -> np.ndarray:
    return np.asarray(keras.Model(network.inputs, logits_of(network)).predict(_PIXELS, verbose=0))


@pytest.mark.parametrize("softmax", [layers.Softmax, lambda: layers.Activation("softmax")])
def test_logits_are_what_goes_into_the_softmax(softmax: Callable[[], keras.layers.Layer]) -> None:
    """They are the classifier's own numbers."""
    network = _classifier(softmax())
    kernel, bias = network.get_layer("classifier").get_weights()
    np.testing.assert_allclose(_logits(network), (_PIXELS / 25).mean(axis=(1, 2)) @ kernel + bias, rtol=1e-4)


def test_logits_of_a_rounded_network_are_the_rounded_ones() -> None:
    """The rounding that quantization-aware training put before the softmax is part of the network's output."""
    network = _classifier(lambda logits: layers.Softmax()(ActivationRange(name="rounding")(logits)))
    network.get_layer("rounding").set_weights([np.array(-2.0), np.array(2.0)])
    steps = _logits(network) / (4 / 255)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert np.abs(_logits(network)).max() <= 2.01


def test_logits_of_a_softmax_inside_a_layer_are_known_but_for_a_constant() -> None:
    """No softmax can tell them from those that went into it, at any temperature."""
    network = _classifier(lambda probabilities: probabilities, activation="softmax")
    kernel, bias = network.get_layer("classifier").get_weights()
    inside = (_PIXELS / 25).mean(axis=(1, 2)) @ kernel + bias
    for temperature in (1, 10):
        np.testing.assert_allclose(
            tf.nn.softmax(_logits(network) / temperature), tf.nn.softmax(inside / temperature), atol=1e-6
        )


def test_probability_of_zero_has_a_finite_logit() -> None:
    """A teacher that is certain can be learnt from."""
    network = _classifier(lambda probabilities: probabilities, activation="softmax")
    network.get_layer("classifier").set_weights([np.zeros((3, 4)), np.array([1000, 0, 0, 0])])
    assert np.isfinite(_logits(network)).all()
