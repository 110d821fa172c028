"""Whether scores are probabilities: accuracy by confidence, in 15 equal intervals as in Guo et al. 2017.

https://arxiv.org/abs/1706.04599, section 2: the confidence of a prediction is its highest score; a bin contains the
confidences above its lower end, up to and with its upper end.
"""

import numpy as np
import numpy.typing as npt

from edgepress_common.results import ReliabilityBin

BINS = 15
_ROUNDING = 1e-3  # a sum of float32 scores, and a quantized 1, can be a little above 1


def reliability_curve(confidences: npt.NDArray[np.float32], right: npt.NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    """Return the images by confidence, lowest first; none if the scores are not probabilities.

    Args:
        confidences: Highest score of each image, float32 ``(n,)``.
        right: Whether each image is classified correctly, ``(n,)``.
    """
    if not len(confidences) or confidences.min() < 0 or confidences.max() > 1 + _ROUNDING:
        return ()
    clipped = np.minimum(confidences.astype(np.float64), 1)
    places = np.clip(np.ceil(clipped * BINS).astype(np.int64) - 1, 0, BINS - 1)
    images, sums, hits = (
        np.bincount(places, weights=of, minlength=BINS) for of in (None, clipped, right.astype(np.float64))
    )
    return tuple(
        ReliabilityBin(images=int(n), confidence=float(total / max(n, 1)), accuracy=float(hit / max(n, 1)))
        for n, total, hit in zip(images, sums, hits, strict=True)
    )
