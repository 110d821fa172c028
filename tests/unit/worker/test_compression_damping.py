"""Damping of weights that oscillate between two codes."""

from __future__ import annotations

import numpy as np
import pytest

from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.kernels import Kernel
from edgepress_worker.keras_environment import tf

TOP = 127.0  # a second weight of the channel, so that its scale is 1


def compressed(weight: float, damping: float) -> CompressedKernel:
    """One depthwise channel with two weights."""
    values = np.array([weight, TOP], np.float32).reshape(2, 1, 1, 1)
    kernel = Kernel("depthwise", "depthwise_conv2d", tf.Variable(values, name="kernel"))
    return CompressedKernel(kernel, grid="channel", damping=damping)


def test_the_gradient_is_that_of_the_squared_distance() -> None:
    """Compared with TensorFlow's derivative of the formula; the gradient of the network's own loss is added."""
    kernel = compressed(3.3, damping=0.25)
    kernel.project()
    rounded = tf.constant(np.array([3.0, TOP], np.float32).reshape(2, 1, 1, 1))
    own = tf.constant(np.array([0.5, -2.0], np.float32).reshape(2, 1, 1, 1))
    with tf.GradientTape() as tape:
        distance = 0.25 * tf.reduce_sum((kernel.master - rounded) ** 2)
    wanted = tape.gradient(distance, kernel.master) + own
    (found,) = kernel.gradients(own)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize(("damping", "least", "most"), [(0.0, 20, 100), (0.3, 0, 2)])
def test_a_damped_weight_stops_oscillating(damping: float, least: int, most: int) -> None:
    """The best value lies between two codes: without damping, the code changes almost every other step."""
    kernel = compressed(4.45, damping)
    codes = []
    for _ in range(100):
        kernel.project()
        weight = float(kernel.kernel.variable[0, 0, 0, 0])
        codes.append(weight)
        slope = np.array([2 * 0.05 * (weight - 4.5), 0], np.float32).reshape(2, 1, 1, 1)
        (gradient,) = kernel.gradients(tf.constant(slope))
        kernel.master.assign_sub(gradient)
    assert least <= int(np.count_nonzero(np.diff(codes))) <= most
    assert set(codes) <= {4.0, 5.0}
