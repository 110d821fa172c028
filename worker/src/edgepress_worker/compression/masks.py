"""Which weights of a kernel are zero: masks, 1 where a weight stays and 0 where it is taken out.

By magnitude, with a share s of zeros (Zhu and Gupta 2017, arXiv:1710.01878): with n weights, the round(n (1 - s))
largest absolute values stay, one at least. TFMOT sorts all of them to find the smallest that stays; a selection finds
it in one pass, and it is the same value. TFMOT also keeps whatever ties with it; here the first of those that tie go,
so that there are as many zeros as were promised. Weights do tie: random ones are drawn from 2^23 levels, and images
that are small leave many as they were drawn (ResNet18 at 32x32: a kernel of 2,359,296 had two zeros too few).

By pattern m:n: of each n neighbours along the input channels the m smallest are taken out; TFMOT's own function.
"""

import numpy as np
import numpy.typing as npt
from tensorflow_model_optimization.python.core.sparsity.keras import pruning_utils

from edgepress_worker.keras_environment import tf

Weights = npt.NDArray[np.float32]


def magnitude_mask(weights: Weights, sparsity: float) -> Weights:
    """The mask of a kernel for a share of zeros.

    Args:
        weights: Of any shape.
        sparsity: Share of zeros, 0 to below 1.

    Returns:
        Of the same shape.
    """
    magnitudes = np.abs(weights)
    # In float32, as TFMOT computes it: the two then agree on which of two counts a half rounds to.
    kept = max(1, int(np.round(np.float32(weights.size) * (np.float32(1) - np.float32(sparsity)))))
    place = weights.size - kept
    threshold = np.partition(magnitudes.reshape(-1), place)[place]
    mask = (magnitudes >= threshold).astype(np.float32)
    surplus = np.count_nonzero(mask) - kept
    if surplus:
        mask.reshape(-1)[np.flatnonzero(magnitudes == threshold)[:surplus]] = 0
    return mask


def pattern_mask(weights: Weights, zeros: int, group: int) -> Weights:
    """The mask that leaves the largest of each group of neighbours.

    Args:
        weights: A convolution's ``(height, width, in, out)`` or a dense layer's ``(in, out)``.
        zeros: How many of each group go.
        group: Neighbours along the inputs; the last group of a row may be short.

    Returns:
        Of the same shape.
    """
    rows_of = tf.constant(weights)
    rows = pruning_utils.weights_rearrange(rows_of)
    mask = pruning_utils.generate_m_by_n_mask(rows, (zeros, group))
    return pruning_utils.m_by_n_sparsity_mask_prepare(mask, rows_of.shape).numpy().astype(np.float32)
