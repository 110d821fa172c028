"""Detects classes with suspicious images, and describes them in caveats."""

from collections.abc import Iterator, Sequence

import numpy as np

from edgepress_worker.datasets.decoded import Decoded

_EMPTY_SHARE = 0.5  # share of a class's images from which on they are worth a caveat
_MIN_IMAGES = 2  # a single image is trivially equal to itself
_DARK = 32  # of 256: no photograph of a scene stays below; 12-bit values in 16 bits per channel do


def cautions_of(classes: Sequence[str], labels: Sequence[int], decoded: Decoded) -> Iterator[str]:
    """Yield a sentence for each class whose images are nearly empty, nearly black or all equal, and one for pages.

    Args:
        classes: Class names, in the order of the labels.
        labels: Label of each image, readable or not.
        decoded: The decoded images.
    """
    readable = decoded.is_readable
    for label, name in enumerate(classes):
        members = (np.asarray(labels) == label) & readable
        count, flat = int(members.sum()), int(decoded.is_flat[members].sum())
        if count < _MIN_IMAGES:
            continue
        if flat >= _EMPTY_SHARE * count:
            yield f"{flat} of {count} images of the class {name} have nearly a single colour after packing."
        elif (brightest := int(decoded.looks[members].max())) < _DARK:
            yield (
                f"All {count} images of the class {name} are nearly black after packing: no region is brighter than "
                f"{brightest} of 255. Colour of 16 bits per channel keeps its upper eight bits; scale it before."
            )
        elif len({decoded.digests[index] for index in np.flatnonzero(members).tolist()}) == 1:
            yield f"All {count} images of the class {name} are copies of one image."
    if more := int(decoded.has_more[readable].sum()):
        yield f"{more} files have several pages or frames, of which only the first is used."
