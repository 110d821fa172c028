"""Finds images that are in more than one part of a split: copies, and images that look alike.

A network that was trained on an image is not tested by it, so that the accuracy on such images is not meaningful.

1. Copies have equal SHA-256 digests of their content.
2. Images look alike if their difference hashes (see `look`) differ in at most `NEAR_BITS` of 64 bits, and their looks
   differ by at most `NEAR_LEVELS` grey levels on average. Images without contrast are excluded, because their hashes
   are all zero.

Hashes of 64 bits are compared by four quarters of 16 bits. If at most three bits differ, at least one quarter is equal,
so that only pairs with an equal quarter are compared (Manku et al. 2007, "Detecting near-duplicates for web crawling").
A data set in which too many pairs share a quarter is not searched for images that look alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgepress_common.results import Twin, Twins
from edgepress_worker.datasets.look import HEIGHT, WIDTH

NEAR_BITS = 3  # the number of quarters minus one
NEAR_LEVELS = 4.0
_MIN_CONTRAST = 8  # grey levels between the darkest and the brightest pixel of a look
_QUARTERS = 4
_MOST_PAIRS = 200_000_000  # takes several seconds
_CHUNK = 4096  # images whose candidates are compared together
_NAMED = 20

Indices = npt.NDArray[np.int64]
Looks = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class _Pairs:
    """Pairs of an image of a later part and an image of an earlier part, as indices into the data set."""

    earlier: list[int]
    later: list[int]


def find_twins(parts: Sequence[Indices], names: Sequence[str], digests: Sequence[str], looks: Looks) -> Twins:
    """Return the images of each part that have a twin in an earlier part.

    Args:
        parts: Indices of the images of each part: training, validation, test.
        names: Names of all images.
        digests: SHA-256 of each image's content; empty if unknown.
        looks: ``(n, LOOK_BYTES)``, uint8, of all images.
    """
    exact, near = _Pairs([], []), _Pairs([], [])
    is_searched = True
    for number in range(1, len(parts)):
        later, earlier = parts[number], np.concatenate(parts[:number])
        copies = _copies(earlier, later, digests)
        exact.earlier.extend(copies.values())
        exact.later.extend(copies)
        rest = later[~np.isin(later, list(copies))] if copies else later
        found = _alike(earlier, rest, looks)
        if found is None:
            is_searched = False
        else:
            near.earlier.extend(found.earlier)
            near.later.extend(found.later)
    return Twins(
        copies_count=len(exact.later),
        copies=_named(exact, names),
        alike_count=len(near.later) if is_searched else None,
        alike=_named(near, names),
    )


def _copies(earlier: Indices, later: Indices, digests: Sequence[str]) -> dict[int, int]:
    first: dict[str, int] = {}
    for index in earlier.tolist():
        first.setdefault(digests[index], index)
    return {index: first[digests[index]] for index in later.tolist() if digests[index] and digests[index] in first}


def _alike(earlier: Indices, later: Indices, looks: Looks) -> _Pairs | None:
    """Return, for each later image that looks like an earlier one, the first such; None if there are too many pairs."""
    earlier, later = (part[_has_contrast(looks[part])] for part in (earlier, later))
    hashes, wanted = _hashes(looks[earlier]), _hashes(looks[later])
    found = np.full(len(later), len(earlier), dtype=np.int64)
    budget = _MOST_PAIRS
    for quarter in range(_QUARTERS):
        keys, wanted_keys = (each.view(np.uint16).reshape(-1, _QUARTERS)[:, quarter] for each in (hashes, wanted))
        order = np.argsort(keys, kind="stable")
        starts = np.searchsorted(keys[order], wanted_keys, "left")
        counts = np.searchsorted(keys[order], wanted_keys, "right") - starts
        budget -= int(counts.sum())
        if budget < 0:
            return None
        for there, here in _candidates(order, starts, counts):
            is_near = np.bitwise_count(hashes[there] ^ wanted[here]) <= NEAR_BITS
            difference = looks[earlier[there[is_near]]].astype(np.int16) - looks[later[here[is_near]]]
            is_near[is_near] = np.abs(difference).mean(axis=1) <= NEAR_LEVELS
            np.minimum.at(found, here[is_near], there[is_near])
    is_found = found < len(earlier)
    return _Pairs(earlier[found[is_found]].tolist(), later[is_found].tolist())


def _candidates(order: Indices, starts: Indices, counts: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Yield all pairs with equal keys, in chunks: positions among the earlier and the later images."""
    for first in range(0, len(starts), _CHUNK):
        some = counts[first : first + _CHUNK]
        here = np.repeat(np.arange(first, first + len(some)), some)
        within = np.arange(len(here)) - np.repeat(np.cumsum(some) - some, some)
        yield order[starts[here] + within], here


def _has_contrast(looks: Looks) -> npt.NDArray[np.bool_]:
    if len(looks) == 0:
        return np.zeros(0, dtype=np.bool_)
    return (looks.max(axis=1).astype(np.int16) - looks.min(axis=1)) >= _MIN_CONTRAST


def _hashes(looks: Looks) -> npt.NDArray[np.uint64]:
    rows = looks.reshape(-1, HEIGHT, WIDTH)
    bits = (rows[:, :, 1:] > rows[:, :, :-1]).reshape(len(rows), HEIGHT * (WIDTH - 1))
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def _named(pairs: _Pairs, names: Sequence[str]) -> tuple[Twin, ...]:
    first = zip(pairs.earlier[:_NAMED], pairs.later[:_NAMED], strict=True)
    return tuple(Twin(name=names[later], of=names[earlier]) for earlier, later in first)
