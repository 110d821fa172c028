"""Detects classes with suspicious images, and describes them in caveats."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

_EMPTY_SHARE = 0.5  # share of a class's images from which on they are worth a caveat
_MIN_IMAGES = 2  # a single image is trivially equal to itself


def cautions_of(
    classes: Sequence[str], labels: npt.NDArray[np.int64], digests: Sequence[str], is_flat: npt.NDArray[np.bool_]
) -> Iterator[str]:
    """Yield a sentence for each class whose images are nearly empty or all equal.

    Args:
        classes: Class names, in the order of the labels.
        labels: ``(n,)``, labels of the packed images.
        digests: SHA-256 of the encoded content of each image.
        is_flat: ``(n,)``, whether an image has nearly a single colour, see `look.is_flat`.
    """
    for label, name in enumerate(classes):
        members = labels == label
        count, flat = int(members.sum()), int(is_flat[members].sum())
        if count < _MIN_IMAGES:
            continue
        if flat >= _EMPTY_SHARE * count:
            yield f"{flat} of {count} images of the class {name} have nearly a single colour after packing."
        elif len({digests[index] for index in np.flatnonzero(members).tolist()}) == 1:
            yield f"All {count} images of the class {name} are copies of one image."
