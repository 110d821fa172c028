"""Divides a set that brings no validation part of its own.

In each class, the images are ranked by the SHA-256 of the seed and their name, and the first of them validate. So the
split depends neither on the order in which a disk lists its files nor on a library's random numbers, and an image that
is added moves hardly any other to the other side.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError

_MIN_IMAGES = 2  # of a class: one for each side


def split_by_class(
    names: Sequence[str], labels: npt.NDArray[np.int64], *, fraction: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Which images validate: of each class the given fraction, at least one, and at least one not.

    Args:
        names: Of the images; unique.
        labels: ``(n,)``, their classes.
        fraction: Share of each class that validates, between 0 and 1.
        seed: Another one gives another split.

    Returns:
        bool ``(n,)``.

    Raises:
        InvalidInputError: A class has a single image.
    """
    validates = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label).tolist()
        if len(members) < _MIN_IMAGES:
            raise InvalidInputError(
                f"the only image of its class is {names[members[0]]}; accepted: {_MIN_IMAGES} or more of each class, "
                "as one must train and another validate"
            )
        members.sort(key=lambda index: _rank(names[index], seed))
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        validates[members[:count]] = True
    return validates


def _rank(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode()).digest()
