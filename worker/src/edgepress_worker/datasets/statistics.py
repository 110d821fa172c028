"""Counts what the packed images of a data set look like."""

from collections.abc import Sequence

import numpy as np

from edgepress_common.results import ImageStatistics
from edgepress_worker.datasets.decoded import Decoded, SplitFile


def statistics_of(decoded: Decoded, parts: Sequence[SplitFile], image_size: int) -> ImageStatistics:
    """Return the counts over the readable images of a data set, which has at least one.

    Args:
        decoded: The decoded images.
        parts: The parts of the split.
        image_size: Height and width of the packed images in pixels.
    """
    readable = decoded.is_readable
    sides = decoded.sides[readable]
    return ImageStatistics(
        flat_count=int(decoded.is_flat[readable].sum()),
        grey_count=int(decoded.is_grey[readable].sum()),
        repeated_count=sum(_repeated(decoded, part) for part in parts),
        enlarged_count=int((sides < image_size).sum()),
        least_side=int(sides.min()),
        median_side=int(np.median(sides)),
    )


def _repeated(decoded: Decoded, part: SplitFile) -> int:
    digests = [decoded.digests[index] for index in part.members.tolist() if decoded.is_readable[index]]
    return len(digests) - len(set(digests))
