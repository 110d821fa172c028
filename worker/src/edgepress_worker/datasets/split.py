"""Splits off the parts that a data set does not have.

1. First the test part, by names alone: another split seed results in another validation part, but never trains on an
   image that is tested with another seed.
2. Then the validation part, by the seed.

Without groups, the images of each class are ranked by the SHA-256 of the seed and their name, and the first ones are
used. The split therefore depends neither on the order in which a disk lists files nor on a library's random numbers,
and a new image changes the part of hardly any other image.

With groups (all images of a patient, a slide, a day), groups are never divided, and the share of each class is
approximated as closely as possible: `split_groups`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError
from edgepress_worker.datasets.source import TEST, TRAIN, VALIDATION, LabelledSet
from edgepress_worker.datasets.split_groups import rank, take_groups

_PART_NAMES = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}
_TEST_SEED = "test"  # not a number, so that it differs from all seeds of validation parts

Mask = npt.NDArray[np.bool_]


def split_set(
    labelled: LabelledSet, *, validation_fraction: float, test_fraction: float, seed: int
) -> npt.NDArray[np.int8]:
    """Return the part of each image: that of the data set; missing parts are split off its training images.

    Args:
        labelled: The data set.
        validation_fraction: Share of each class for validation, if the data set has no validation part.
        test_fraction: Share of each class for the test part, if the data set has none; 0 for no test part.
        seed: Seed of the validation part.

    Raises:
        InvalidInputError: A class has too few images or groups, or a group is in two existing parts.
    """
    parts = labelled.parts.copy()
    wanted = []
    if test_fraction > 0 and not (parts == TEST).any():
        wanted.append((TEST, test_fraction, _TEST_SEED))
    if not (parts == VALIDATION).any():
        wanted.append((VALIDATION, validation_fraction, str(seed)))
    candidates = np.flatnonzero(parts == TRAIN)
    sizes = np.bincount(labelled.labels[candidates], minlength=len(labelled.classes))
    for number, (part, fraction, salt) in enumerate(wanted):
        candidates = np.flatnonzero(parts == TRAIN)
        counts = np.maximum(np.rint(fraction * sizes).astype(np.int64), 1)
        still_needed = len(wanted) - number  # images of a class that the later parts and training need
        if labelled.groups is None:
            taken = _ranked(labelled, candidates, counts, salt=salt, left=still_needed)
        else:
            taken = take_groups(labelled, candidates, counts, salt=salt, left=still_needed)
        parts[candidates[taken]] = part
    if labelled.groups is not None:
        _check_groups(labelled.groups, parts)
    return parts


def _ranked(
    labelled: LabelledSet, candidates: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], *, salt: str, left: int
) -> Mask:
    """Return which candidates are selected: the first of each class by rank, leaving enough for the other parts."""
    taken = np.zeros(len(candidates), dtype=np.bool_)
    labels = labelled.labels[candidates]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label).tolist()
        if len(members) < 1 + left:
            raise InvalidInputError(_too_few(labelled, candidates[members].tolist(), 1 + left))
        members.sort(key=lambda index: rank(labelled.names[int(candidates[index])], salt))
        taken[members[: min(int(counts[label]), len(members) - left)]] = True
    return taken


def _too_few(labelled: LabelledSet, members: list[int], needed: int) -> str:
    first = labelled.names[members[0]]
    found = f"the only image of its class is {first}" if len(members) == 1 else f"a class has {len(members)} images"
    must = "one must train and another validate" if needed == 2 else "one must train, one validate and one test"  # noqa: PLR2004
    return f"{found}; accepted: {needed} or more of each class, as {must}"


def _check_groups(groups: Sequence[str], parts: npt.NDArray[np.int8]) -> None:
    """Check that no group is in two parts, if the data set has parts."""
    first: dict[str, int] = {}
    for group, part in zip(groups, parts.tolist(), strict=True):
        known = first.setdefault(group, part)
        if known != part:
            raise InvalidInputError(
                f"the group {group} has images in {_PART_NAMES[known]} and in {_PART_NAMES[part]}; accepted: each "
                "group in one part only, or a data set without parts, to be split by groups"
            )
