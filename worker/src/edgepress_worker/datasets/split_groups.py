"""Selects entire groups of images for a part of a split, approximating the share of each class.

The optimal selection is a knapsack problem with one dimension per class. This is the greedy algorithm of scikit-learn's
``StratifiedGroupKFold``, tried in several orders:

1. Process the groups in several orders: by size, largest first, with ties ordered by the SHA-256 of the seed and their
   name; then `_ATTEMPTS` orders by that digest alone.
2. In each order, select a group if this reduces the distance of the counts from the target: the sum over the classes of
   the squared difference relative to the target.
3. Classes without a selected group get one group each.
4. Use the nearest selection that leaves enough groups of each class for the other parts.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError
from edgepress_worker.datasets.source import LabelledSet

_ATTEMPTS = 16  # each takes a millisecond per thousand groups

Indices = npt.NDArray[np.int64]


def take_groups(
    labelled: LabelledSet, candidates: Indices, counts: Indices, *, salt: str, left: int
) -> npt.NDArray[np.bool_]:
    """Return which candidates are selected.

    Args:
        labelled: The data set, with groups.
        candidates: Indices of the images to select from.
        counts: Target number of images of each class.
        salt: Seed of the order; another salt results in another selection.
        left: Number of groups of each class to leave for other parts.

    Raises:
        InvalidInputError: A class has too few groups, or no selection leaves enough of each.
    """
    assert labelled.groups is not None
    names, members = np.unique([labelled.groups[index] for index in candidates.tolist()], return_inverse=True)
    matrix = np.zeros((len(names), len(labelled.classes)), dtype=np.int64)
    np.add.at(matrix, (members, labelled.labels[candidates]), 1)
    _check_groups_suffice(labelled, matrix, 1 + left)
    best: npt.NDArray[np.bool_] | None = None
    best_distance = np.inf
    for order in _orders(names.tolist(), matrix, salt):
        chosen = _choose(matrix, order, counts)
        is_possible = (_groups_of_each_class(matrix[~chosen]) >= left).all()
        distance = _distance(matrix[chosen].sum(axis=0), counts)
        if is_possible and distance < best_distance:
            best, best_distance = chosen, distance
    if best is None:
        raise InvalidInputError(
            f"the {len(names)} groups can't be divided so that each part has images of each class; accepted: more "
            "groups, smaller groups, or other fractions"
        )
    taken: npt.NDArray[np.bool_] = best[members]
    return taken


def rank(name: str, salt: str) -> bytes:
    """Return the sort key of a name; another salt results in another order."""
    return hashlib.sha256(f"{salt}\0{name}".encode()).digest()


def _check_groups_suffice(labelled: LabelledSet, matrix: Indices, needed: int) -> None:
    found = _groups_of_each_class(matrix)
    for name, count in zip(labelled.classes, found.tolist(), strict=True):
        if count < needed:
            raise InvalidInputError(
                f"the class {name} has images of {count} group{'' if count == 1 else 's'}; accepted: {needed} or more "
                "groups of each class, because a group must not be in two parts"
            )


def _groups_of_each_class(matrix: Indices) -> Indices:
    counts: Indices = (matrix > 0).sum(axis=0)
    return counts


def _orders(names: list[str], matrix: Indices, salt: str) -> list[list[int]]:
    sizes = matrix.sum(axis=1).tolist()
    by_size = sorted(range(len(names)), key=lambda index: (-sizes[index], rank(names[index], salt)))
    others = [
        sorted(range(len(names)), key=lambda index, turn=turn: rank(names[index], f"{salt} {turn}"))  # type: ignore[misc]
        for turn in range(_ATTEMPTS)
    ]
    return [by_size, *others]


def _choose(matrix: Indices, order: list[int], wanted: Indices) -> npt.NDArray[np.bool_]:
    chosen = np.zeros(len(matrix), dtype=np.bool_)
    have = np.zeros(matrix.shape[1], dtype=np.int64)
    for index in order:
        if _distance(have + matrix[index], wanted) < _distance(have, wanted):
            chosen[index] = True
            have = have + matrix[index]
    for label in np.flatnonzero(have == 0).tolist():
        if not matrix[chosen, label].any():
            free = [index for index in order if matrix[index, label] > 0]
            chosen[min(free, key=lambda index: _distance(have + matrix[index], wanted))] = True
            have = matrix[chosen].sum(axis=0)
    return chosen


def _distance(have: Indices, wanted: Indices) -> float:
    return float(np.sum(((have - wanted) / wanted) ** 2))
