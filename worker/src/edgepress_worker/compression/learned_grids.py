"""Grids of codes whose scales are trained with the weights.

A scale that follows from the largest weight cannot become smaller while one weight is large, and with few bits most
codes are then wasted. Here the scale s of each output channel is a variable (LSQ: Esser et al. 2020, Learned Step Size
Quantization, arXiv:1902.08153). For a master m, codes from -q to q, and the gradient g of the weight w = s c with
c = clip(round(m / s), -q, q):

1. the gradient of m is g for |m / s| <= q, and 0 for a clipped master
2. the gradient of s is the sum of g (c - m / s) for masters within, and of g c for clipped ones, times
   1 / sqrt(n q) for n weights with this scale (section 2.2)
3. the variable is log s, whose gradient is s times that of s: an Adam step then changes each scale by the same share
   (Jain et al. 2019, Trained Quantization Thresholds, arXiv:1903.08066, section 3.3)
"""

import numpy as np

from edgepress_worker.compression.kernels import Kernel, KernelValues
from edgepress_worker.keras_environment import keras, tf


class LearnedGrid(tf.Module):
    """The scales of one kernel.

    Args:
        kernel: The kernel.
        scales: Initial scales, broadcastable to the kernel.
        largest_code: The largest code q.
    """

    def __init__(self, kernel: Kernel, scales: KernelValues, largest_code: int) -> None:
        super().__init__()
        self.logarithms = tf.Variable(np.log(scales), name=f"{kernel.layer}/scale")
        self.largest_code = largest_code
        shape = kernel.variable.shape
        self._axes = tuple(axis for axis, size in enumerate(self.logarithms.shape) if size == 1 and shape[axis] != 1)
        self._share = float(1 / np.sqrt(np.prod(shape) / np.prod(self.logarithms.shape) * largest_code))

    def rounded(self, masters: tf.Tensor) -> tf.Tensor:
        """Return the nearest points of the grid, in the shape of the masters."""
        return self._codes(masters) * tf.exp(self.logarithms)

    def gradients(self, masters: tf.Tensor, of_weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the gradients of the masters and of the logarithms of the scales, given that of the weights."""
        scales = tf.exp(self.logarithms)
        places = masters / scales
        within = tf.cast(tf.abs(places) <= self.largest_code, tf.float32)
        codes = self._codes(masters)
        of_scales = tf.reduce_sum(of_weights * (codes - within * places), self._axes, keepdims=True)
        return of_weights * within, of_scales * scales * self._share

    def places(self, masters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the places of masters among the codes, from 0, and how fast they change with the master."""
        scales = tf.exp(self.logarithms)
        places = masters / scales
        slopes = tf.where(tf.abs(places) < self.largest_code, 1 / scales, 0.0)
        return tf.clip_by_value(places, -self.largest_code, self.largest_code) + self.largest_code, slopes

    def scale_gradient(self, masters: tf.Tensor, of_masters: tf.Tensor) -> tf.Tensor:
        """Return the gradient of the logarithms of the scales for a loss that depends on master / scale alone.

        Args:
            masters: The masters.
            of_masters: Their gradient.
        """
        return -tf.reduce_sum(masters * of_masters, self._axes, keepdims=True)

    def _codes(self, masters: tf.Tensor) -> tf.Tensor:
        nearest = tf.floor(masters / tf.exp(self.logarithms) + 0.5)  # halves are rounded up, as on the other grids
        return tf.clip_by_value(nearest, -self.largest_code, self.largest_code)


def initial_scales(kernel: Kernel, largest_code: int) -> KernelValues:
    """Return a scale for each output channel of a kernel: that of the smallest squared error, of 41.

    Args:
        kernel: The kernel, whose weights are not all zero.
        largest_code: The largest code.
    """
    weights = keras.backend.get_value(kernel.variable)
    axes = kernel.within_channel_axes
    largest = np.abs(weights).max(axis=axes, keepdims=True)
    whole = np.where(largest > 0, largest, 1.0).astype(np.float32) / largest_code
    shares = np.linspace(0.2, 1, 41)
    errors = [
        ((np.clip(np.rint(weights / (whole * share)), -largest_code, largest_code) * whole * share - weights) ** 2).sum(
            axis=axes, keepdims=True
        )
        for share in shares
    ]
    return (whole * shares[np.argmin(errors, axis=0)]).astype(np.float32)
