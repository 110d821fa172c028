"""Selection of zeros in a kernel: masks with 1 for weights that are kept and 0 for weights that are removed.

By magnitude, with a share s of zeros (Zhu and Gupta 2017, arXiv:1710.01878): of n weights, the round(n (1 - s)) with
the largest absolute values are kept, at least one. TFMOT sorts all weights to find the smallest one to keep; a
selection algorithm finds the same value in one pass. TFMOT also keeps all weights that tie with it; here, the first of
the tied weights are removed, so that the number of zeros is exactly as promised. Ties do occur: random weights have
2^23 levels, and with small images many weights keep their initial values (ResNet18 at 32x32: a kernel of 2,359,296
weights had two zeros too few).

By kernel (the kernel level of Anwar et al. 2017, Structured Pruning of Deep Convolutional Neural Networks,
arXiv:1512.08571): as by magnitude, with the sums of the absolute weights between each input and output channel.

By pattern m:n: of each n neighbours along the input channels, the m smallest are removed, by TFMOT's own function.
"""

import math

import numpy as np
from tensorflow_model_optimization.python.core.sparsity.keras import pruning_utils

from edgepress_worker.compression.kernels import KernelValues
from edgepress_worker.keras_environment import tf


def magnitude_mask(weights: KernelValues, sparsity: float) -> KernelValues:
    """Return the mask of a kernel for a share of zeros.

    Args:
        weights: Weights of any shape.
        sparsity: Share of zeros, 0 to below 1.

    Returns:
        The mask, of the same shape.
    """
    magnitudes = np.abs(weights)
    # In float32 like TFMOT, so that both round halves to the same count.
    kept = max(1, int(np.round(np.float32(weights.size) * (np.float32(1) - np.float32(sparsity)))))
    place = weights.size - kept
    threshold = np.partition(magnitudes.reshape(-1), place)[place]
    mask = (magnitudes >= threshold).astype(np.float32)
    surplus = np.count_nonzero(mask) - kept
    if surplus:
        mask.reshape(-1)[np.flatnonzero(magnitudes == threshold)[:surplus]] = 0
    return mask


def kernel_mask(weights: KernelValues, sparsity: float) -> KernelValues:
    """Return the mask that removes whole kernels of a convolution, at least a share of them.

    Args:
        weights: Weights of a convolution ``(height, width, in, out)``, or of a dense layer ``(in, out)``, whose kernels
            are its weights.
        sparsity: Share of kernels to remove, 0 to below 1.

    Returns:
        The mask, of the same shape.
    """
    norms = np.abs(weights).reshape(-1, *weights.shape[-2:]).sum(axis=0)
    removed = min(math.ceil(norms.size * sparsity), norms.size - 1)
    return np.broadcast_to(magnitude_mask(norms, removed / norms.size), weights.shape).copy()


def pattern_mask(weights: KernelValues, zeros: int, group: int) -> KernelValues:
    """Return the mask that keeps the largest weights of each group of neighbours.

    Args:
        weights: Weights of a convolution ``(height, width, in, out)`` or of a dense layer ``(in, out)``.
        zeros: Number of weights to remove in each group.
        group: Number of neighbours along the inputs; the last group of a row may be smaller.

    Returns:
        The mask, of the same shape.
    """
    rows_of = tf.constant(weights)
    rows = pruning_utils.weights_rearrange(rows_of)
    mask = pruning_utils.generate_m_by_n_mask(rows, (zeros, group))
    return pruning_utils.m_by_n_sparsity_mask_prepare(mask, rows_of.shape).numpy().astype(np.float32)
