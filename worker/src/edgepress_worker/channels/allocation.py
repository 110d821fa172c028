"""How many units each group keeps, so that the network is as small as the target asks for.

1. A group keeps a multiple of ``multiple_of`` units, at least the floor, or all of its units.
2. A position on a scale says how much is kept: in ``uniform``, each group keeps the same share of its units, rounded to
   the nearest accepted number; in ``global``, the most important units of all groups are kept, and each group's number
   of them is rounded; in ``sensitivity``, groups lose units one step after the other, always the step for which the
   loss grows least for the cost that it saves. The highest position within the budget is found by bisection.
3. Rounding leaves a part of the budget. It is given to groups step by step, to each the next accepted number: in
   ``uniform`` to the group that keeps the smallest share, in ``global`` to the units that are the most important, in
   ``sensitivity`` where the loss falls most.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgepress_worker.channels.groups import Group
from edgepress_worker.channels.importance import Scores

Kept = npt.NDArray[np.bool_]
"""Whether each unit is kept, ``(units,)``."""

Counts = tuple[int, ...]
"""Number of kept units of each group."""

Growth = tuple[npt.NDArray[np.float64], ...]
"""For each group, the growth of the loss at each number of units that it can keep, ascending ``(levels,)``."""

_POSITIONS = 1000  # of the scale for uniform: finer than the levels of a group with 512 units in multiples of one


class BudgetError(Exception):
    """A budget that can't be met.

    Attributes:
        nearest: The lowest cost that can be reached.
    """

    def __init__(self, nearest: float) -> None:
        super().__init__(f"the lowest cost that can be reached is {nearest:g}")
        self.nearest = nearest


@dataclass(frozen=True)
class Bounds:
    """The choices that an allocation has.

    Attributes:
        groups: The groups that can lose units.
        unit_count: Number of units of the network.
        multiple_of: Number that the kept units of a group are a multiple of.
        floor: Number of units that each group keeps at least.
        floors: Higher floors of some groups, by their layers.
    """

    groups: tuple[Group, ...]
    unit_count: int
    multiple_of: int
    floor: int
    floors: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    def levels(self, group: Group) -> list[int]:
        """Return the numbers of units that a group can keep, ascending."""
        size, floor = len(group), max(self.floor, self.floors.get(group.layers, 0))
        return [number for number in range(self.multiple_of, size, self.multiple_of) if number >= floor] + [size]

    def at_least_half(self, kept: Kept) -> "Bounds":
        """Return the bounds within which each group keeps at least half as many units as in another choice."""
        return replace(self, floors={group.layers: int(kept[group.units].sum()) // 2 for group in self.groups})


def ranked_units(group: Group, scores: Scores) -> npt.NDArray[np.int64]:
    """Return the units of a group, the most important first."""
    return group.units[np.argsort(-scores[group.units], kind="stable")]


@dataclass(frozen=True)
class Allocator:
    """Allocates the units to keep.

    Attributes:
        kind: How the groups share what is removed.
        bounds: The choices.
        scores: Importance of each unit, ``(units,)``.
        cost: Function that returns the cost of the network with some of its units, not less with more of them.
        growth: Growth of the loss, for the kind ``sensitivity``.
    """

    kind: Literal["uniform", "global", "sensitivity"]
    bounds: Bounds
    scores: Scores
    cost: Callable[[Kept], float]
    growth: Growth = ()

    def allocate(self, budget: float) -> Kept:
        """Return the units to keep within a budget.

        Raises:
            BudgetError: The network costs more even if each group keeps its smallest number.
        """
        least = tuple(self.bounds.levels(group)[0] for group in self.bounds.groups)
        if self._cost(least) > budget:
            raise BudgetError(self._cost(least))
        last, position = self._scale()
        too_large = bisect_left(range(last + 1), True, key=lambda number: self._cost(position(number)) > budget)
        counts = position(too_large - 1) if too_large > 0 else least
        return self.kept(self._filled(counts, budget))

    def kept(self, counts: Counts) -> Kept:
        """Return the units to keep if each group keeps a number of its most important units."""
        mask = np.ones(self.bounds.unit_count, bool)
        for group, count in zip(self.bounds.groups, counts, strict=True):
            mask[ranked_units(group, self.scores)[count:]] = False
        return mask

    def _cost(self, counts: Counts) -> float:
        return self.cost(self.kept(counts))

    def _scale(self) -> tuple[int, Callable[[int], Counts]]:
        """Return the last position of the scale, and the function from a position to counts, which grow with it."""
        groups = self.bounds.groups
        if self.kind == "uniform":
            sizes = np.array([len(group) for group in groups])
            return _POSITIONS, lambda number: self._rounded(sizes * number / _POSITIONS)
        if self.kind == "sensitivity":
            path = self._path()
            return len(path) - 1, lambda number: path[-1 - number]
        owner = np.concatenate([np.full(len(group), number) for number, group in enumerate(groups)])
        order = np.argsort(-self.scores[np.concatenate([group.units for group in groups])], kind="stable")
        return len(order), lambda number: self._rounded(np.bincount(owner[order[:number]], minlength=len(groups)))

    def _path(self) -> list[Counts]:
        """Return the counts after each step down, from all units to the smallest numbers."""
        levels = [self.bounds.levels(group) for group in self.bounds.groups]
        path = [tuple(len(group) for group in self.bounds.groups)]
        while True:
            counts, cost = path[-1], self._cost(path[-1])
            prices = {}
            for number, count in enumerate(counts):
                if (level := levels[number].index(count)) > 0:
                    lowered = (*counts[:number], levels[number][level - 1], *counts[number + 1 :])
                    grown = self.growth[number][level - 1] - self.growth[number][level]
                    saved = cost - self._cost(lowered)
                    prices[lowered] = grown / saved if saved > 0 else np.inf
            if not prices:
                return path
            path.append(min(prices, key=lambda lowered: prices[lowered]))

    def _rounded(self, wanted: npt.NDArray[np.number]) -> Counts:
        """Return the nearest accepted numbers; of two that are equally near, the smaller."""
        levels = [np.array(self.bounds.levels(group)) for group in self.bounds.groups]
        return tuple(int(each[np.abs(each - count).argmin()]) for each, count in zip(levels, wanted, strict=True))

    def _filled(self, counts: Counts, budget: float) -> Counts:
        """Return the counts after all steps up that the budget allows. A group that does not fit once is left."""
        levels = [self.bounds.levels(group) for group in self.bounds.groups]
        growing = [number for number, count in enumerate(counts) if count < levels[number][-1]]
        while growing:
            following = {number: _next(levels[number], counts[number]) for number in growing}
            best = max(growing, key=lambda number: self._gain(number, counts[number], following[number]))
            raised = (*counts[:best], following[best], *counts[best + 1 :])
            if self._cost(raised) <= budget:
                counts = raised
            if counts is not raised or counts[best] == levels[best][-1]:
                growing.remove(best)
        return counts

    def _gain(self, number: int, count: int, following: int) -> float:
        """Return how much a group is preferred for the next step up."""
        group = self.bounds.groups[number]
        match self.kind:
            case "uniform":
                return -count / len(group)
            case "global":
                return float(self.scores[ranked_units(group, self.scores)[count:following]].mean())
            case "sensitivity":
                level = self.bounds.levels(group).index(count)
                return float(self.growth[number][level] - self.growth[number][level + 1])


def _next(levels: Sequence[int], count: int) -> int:
    return levels[levels.index(count) + 1]
