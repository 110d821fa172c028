"""How much the loss grows when one group alone loses units, for the allocation ``sensitivity``.

1. For each group, the loss of some training images is computed with three quarters, a half and a quarter of its units,
   the most important ones, while all other groups are whole (Li et al. 2017, arXiv:1608.08710, section 3.2).
2. Removed units are silenced, so that one compiled network serves all choices. Normalizations use the statistics of
   each batch, as if they had been estimated again.
3. Between these numbers of units, the growth is interpolated linearly; below the lowest one, it continues as before.
   It never falls with fewer units.
"""

import numpy as np
import numpy.typing as npt

from edgepress_worker.channels.allocation import Bounds, Growth, ranked_units
from edgepress_worker.channels.importance import Candidates, Scores
from edgepress_worker.channels.silencing import silence
from edgepress_worker.keras_environment import keras, tf

_SHARES = (0.75, 0.5, 0.25)


def loss_growth(candidates: Candidates, bounds: Bounds, scores: Scores) -> Growth:
    """Return the growth of the mean cross-entropy for each number of units that each group can keep.

    Args:
        candidates: The network, which is not changed, its groups, and the images.
        bounds: The numbers of units that a group can keep.
        scores: Importance of each unit, ``(units,)``.
    """
    network, batches = candidates.network, list(candidates.batches())
    before = network.get_weights()

    @tf.function(reduce_retracing=True)  # the last batch is smaller
    def batch_loss(pixels: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(keras.losses.categorical_crossentropy(labels, network(pixels, training=True)))

    def loss(kept: npt.NDArray[np.bool_]) -> float:
        silence(candidates.grouped.flow, candidates.grouped.kept_channels(kept))
        total = sum(float(batch_loss(pixels, labels)) for pixels, labels in batches)
        network.set_weights(before)
        return total / sum(len(labels) for _, labels in batches)

    everything = np.ones(bounds.unit_count, bool)
    whole = loss(everything)
    growth = []
    for group in bounds.groups:
        levels = np.array(bounds.levels(group))
        tried = np.unique([levels[np.abs(levels - share * len(group)).argmin()] for share in (*_SHARES, 1.0)])
        found = []
        for count in tried[:-1]:
            kept = everything.copy()
            kept[ranked_units(group, scores)[count:]] = False
            found.append(loss(kept) - whole)
        growth.append(_interpolated(levels, tried, np.array([*found, 0.0])))
    return tuple(growth)


def trials(bounds: Bounds) -> int:
    """Return the number of times that `loss_growth` computes the loss of the images, at most."""
    return 1 + len(_SHARES) * len(bounds.groups)


def _interpolated(
    levels: npt.NDArray[np.int64], tried: npt.NDArray[np.int64], growth: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the growth at all levels, given that at some of them, the last one among them."""
    never_falling = np.maximum.accumulate(growth[::-1])[::-1]
    slope = never_falling[0] / max(tried[-1] - tried[0], 1)
    below = never_falling[0] + slope * (tried[0] - levels)
    return np.where(levels < tried[0], below, np.interp(levels, tried, never_falling))
