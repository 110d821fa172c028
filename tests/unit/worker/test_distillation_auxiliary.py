"""Auxiliary classifiers: where they are, and their loss."""

import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_worker.compression.compressed_model import CompressedModel
from edgepress_worker.distillation.auxiliary import SupervisedLesson, auxiliary_classifiers
from edgepress_worker.distillation.lesson import Batch
from edgepress_worker.keras_environment import keras, tf
from fakes.preactivation_network import SIDE, preactivation_network


def test_they_classify_the_last_maps_of_resolutions() -> None:
    """The network's maps are 16, 8 and 4 pixels wide; those of 4 are its own to classify."""
    network = preactivation_network()
    assert [each.layer for each in auxiliary_classifiers(network, 2)] == ["bn_data", "relu0"]
    with pytest.raises(InvalidInputError, match=r"auxiliary_classifiers is 4, .* maps of 2 sizes .*: at most 2"):
        auxiliary_classifiers(network, 4)


def test_their_loss_is_the_cross_entropy_of_the_pooled_map() -> None:
    """The loss is that of the labels plus the weighted mean over images, computed by numpy; training changes them."""
    network = preactivation_network()
    (classifier,) = auxiliary_classifiers(network, 1)
    lesson = SupervisedLesson(None, (classifier,), weight=0.5)
    random = np.random.default_rng(3)
    images = random.uniform(0, 255, (4, SIDE, SIDE, 3)).astype(np.float32)
    labels, weights = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]], np.array([1, 2, 1, 0.5], np.float32)
    output = keras.Model(network.input, network.get_layer(classifier.layer).output)(images)
    kernel, bias = (value.numpy() for value in classifier.adapter.weights)
    logits = output.numpy().mean(axis=(1, 2)) @ kernel + bias
    each = np.log(np.exp(logits).sum(axis=1)) - (labels * logits).sum(axis=1)
    found = lesson.loss(tf.constant(2.0), Batch(labels, weights, ()), [tf.zeros((4, 3)), output], tf.constant(0))
    assert float(found) == pytest.approx(2 + 0.5 * (weights * each).mean(), rel=1e-5)
    model = CompressedModel(network, [], lesson)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    model.train_step((tf.constant(images), tf.constant(labels), tf.constant(weights)))
    assert (classifier.adapter.kernel.numpy() != kernel).any()
    assert not any("auxiliary" in layer.name for layer in network.layers)
