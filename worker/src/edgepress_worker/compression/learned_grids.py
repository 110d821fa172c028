"""Grids of codes whose scales are trained with the weights.

A scale that follows from the largest weight cannot become smaller while one weight is large, and with few bits most
codes are then wasted. Here the scale s of each output channel is a variable (LSQ: Esser et al. 2020, Learned Step Size
Quantization, arXiv:1902.08153). For a master m, codes from p to q, and the gradient g of the weight w = s c with
c = clip(round(m / s), p, q):

1. the gradient of m is g for m / s from p to q, and 0 for a clipped master
2. the gradient of s is the sum of g (c - m / s) for masters within, and of g c for clipped ones, times
   1 / sqrt(n q) for n weights with this scale (section 2.2)
3. the variable is log s, whose gradient is s times that of s: an Adam step then changes each scale by the same share
   (Jain et al. 2019, Trained Quantization Thresholds, arXiv:1903.08066, section 3.3)

With one bit, c is the sign of m, s begins as the mean absolute weight, which has the smallest squared error (Rastegari
et al. 2016, XNOR-Net, arXiv:1603.05279, section 3.1), and its gradient is the sum of g c. No master is clipped: more
than a third of them are beyond the mean, and would never move.
"""

import numpy as np

from edgepress_worker.compression.grids import SHARES_FOR_ONE_CODE, WeightCodes
from edgepress_worker.compression.kernels import Kernel, KernelValues
from edgepress_worker.keras_environment import keras, tf

_SMALLEST = 1e-8  # scale of a channel of zeros, which one bit can't represent


class LearnedGrid(tf.Module):
    """The scales of one kernel.

    Args:
        kernel: The kernel.
        scales: Initial scales, broadcastable to the kernel.
        codes: The codes.
    """

    def __init__(self, kernel: Kernel, scales: KernelValues, codes: WeightCodes) -> None:
        super().__init__()
        self.logarithms = tf.Variable(np.log(scales), name=f"{kernel.layer}/scale")
        self.codes = codes
        shape = kernel.variable.shape
        self._axes = tuple(axis for axis, size in enumerate(self.logarithms.shape) if size == 1 and shape[axis] != 1)
        self._share = float(1 / np.sqrt(np.prod(shape) / np.prod(self.logarithms.shape) * codes.largest))

    def rounded(self, masters: tf.Tensor) -> tf.Tensor:
        """Return the nearest points of the grid, in the shape of the masters."""
        return self._codes(masters) * tf.exp(self.logarithms)

    def gradients(self, masters: tf.Tensor, of_weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the gradients of the masters and of the logarithms of the scales, given that of the weights."""
        scales = tf.exp(self.logarithms)
        codes = self._codes(masters)
        changes = codes
        if self.codes.zero:
            places = masters / scales
            within = tf.cast((places >= self.codes.lowest) & (places <= self.codes.largest), tf.float32)
            changes = codes - within * places
            of_masters = of_weights * within
        else:
            of_masters = of_weights
        of_scales = tf.reduce_sum(of_weights * changes, self._axes, keepdims=True)
        return of_masters, of_scales * scales * self._share

    def places(self, masters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the places of masters among the codes, from 0, and how fast they change with the master."""
        scales = tf.exp(self.logarithms)
        lowest, largest = float(self.codes.lowest), float(self.codes.largest)
        step = 1.0 if self.codes.zero else 2.0
        places = masters / scales
        slopes = tf.where((places > lowest) & (places < largest), 1 / (step * scales), 0.0)
        return (tf.clip_by_value(places, lowest, largest) - lowest) / step, slopes

    def scale_gradient(self, masters: tf.Tensor, of_masters: tf.Tensor) -> tf.Tensor:
        """Return the gradient of the logarithms of the scales for a loss that depends on master / scale alone.

        Args:
            masters: The masters.
            of_masters: Their gradient.
        """
        return -tf.reduce_sum(masters * of_masters, self._axes, keepdims=True)

    def _codes(self, masters: tf.Tensor) -> tf.Tensor:
        if not self.codes.zero:
            return tf.where(masters < 0, -1.0, 1.0)
        nearest = tf.floor(masters / tf.exp(self.logarithms) + 0.5)  # halves are rounded up, as on the other grids
        return tf.clip_by_value(nearest, self.codes.lowest, self.codes.largest)


def initial_scales(kernel: Kernel, codes: WeightCodes) -> KernelValues:
    """Return a scale for each output channel of a kernel: that of the smallest squared error, or of many tried.

    Args:
        kernel: The kernel.
        codes: The codes.
    """
    weights = keras.backend.get_value(kernel.variable)
    axes = kernel.within_channel_axes
    magnitudes = np.abs(weights)
    if not codes.zero:  # the mean of the weights that are not pruned
        kept = np.maximum(np.count_nonzero(weights, axis=axes, keepdims=True), 1)
        return np.asarray(np.maximum(magnitudes.sum(axis=axes, keepdims=True) / kept, _SMALLEST), np.float32)
    largest = magnitudes.max(axis=axes, keepdims=True)
    whole = np.where(largest > 0, largest, 1.0).astype(np.float32) / codes.largest
    shares = np.linspace(0.2, 1, 41) if codes.largest > 1 else SHARES_FOR_ONE_CODE
    errors = [
        ((np.clip(np.rint(weights / (whole * share)), codes.lowest, codes.largest) * whole * share - weights) ** 2).sum(
            axis=axes, keepdims=True
        )
        for share in shares
    ]
    return (whole * shares[np.argmin(errors, axis=0)]).astype(np.float32)
