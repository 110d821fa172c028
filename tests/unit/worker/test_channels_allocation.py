"""How many channels each group keeps within a budget."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from edgepress_worker.channels.allocation import Allocator, Bounds, BudgetError, Growth
from edgepress_worker.channels.groups import Group

SIZES = (64, 32, 24)
PRICES = np.repeat([1.0, 2.0, 4.0], SIZES)  # of a unit of each group


def allocator(
    kind: Literal["uniform", "global", "sensitivity"],
    *,
    multiple_of: int = 8,
    floor: int = 8,
    scores: Any = None,
    growth: Growth = (),
) -> Allocator:
    """An allocation to three groups, whose cost is the sum of the prices of their units."""
    ends = np.cumsum(SIZES)
    groups = tuple(
        Group((f"layer{number}",), np.arange(end - size, end), (), ())
        for number, (size, end) in enumerate(zip(SIZES, ends, strict=True))
    )
    scores = np.random.default_rng(2).uniform(size=ends[-1]) if scores is None else scores
    bounds = Bounds(groups, int(ends[-1]), multiple_of=multiple_of, floor=floor)
    return Allocator(kind, bounds, scores, lambda kept: float(PRICES[kept].sum()), growth)


def counts(kept: Any) -> list[int]:
    return [int(part.sum()) for part in np.split(kept, np.cumsum(SIZES)[:-1])]


def test_uniform_keeps_the_same_share_of_each_group() -> None:
    """Half of the cost is half of each group; if a group can't keep its half, others get what it leaves."""
    assert counts(allocator("uniform").allocate(budget=PRICES.sum() / 2)) == [48, 16, 8]
    assert counts(allocator("uniform", multiple_of=4).allocate(budget=PRICES.sum() / 2)) == [32, 16, 12]


@pytest.mark.parametrize("kind", ["uniform", "global"])
@pytest.mark.parametrize("share", [0.25, 0.4, 0.6, 0.85])
def test_budget_is_kept_and_used(kind: Literal["uniform", "global"], share: float) -> None:
    """The cost is within the budget, and no group could keep one multiple more."""
    made, budget = allocator(kind), share * PRICES.sum()
    kept = made.allocate(budget)
    assert PRICES[kept].sum() <= budget
    for number, (count, size) in enumerate(zip(counts(kept), SIZES, strict=True)):
        assert count % 8 == 0
        assert count >= 8
        assert count == size or PRICES[kept].sum() + 8 * [1, 2, 4][number] > budget


def test_global_keeps_the_most_important_units() -> None:
    """A group without important units keeps the floor; kept units of a group are its most important ones."""
    scores = np.concatenate([np.arange(64) + 100.0, np.arange(32) / 100, np.arange(24) + 50.0])
    kept = allocator("global", scores=scores).allocate(budget=64 + 2 * 8 + 4 * 16)
    assert counts(kept) == [64, 8, 16]
    assert kept[64:96].nonzero()[0].tolist() == list(range(24, 32))


def test_floors_of_groups_can_be_half_of_another_choice() -> None:
    """The second group, whose units matter least, keeps half of what it keeps if all keep the same share."""
    scores = np.concatenate([np.arange(64) + 100.0, np.arange(32) / 100, np.arange(24) + 50.0])
    made, budget = allocator("global", multiple_of=4, floor=4, scores=scores), 107.0
    assert counts(made.allocate(budget)) == [64, 4, 8]
    uniform = allocator("uniform", multiple_of=4, floor=4, scores=scores).allocate(budget)
    assert counts(uniform) == [32, 12, 12]
    bounded = replace(made, bounds=made.bounds.at_least_half(uniform))
    assert counts(bounded.allocate(budget)) == [56, 8, 8]


def test_sensitivity_removes_where_the_loss_grows_least_for_the_cost() -> None:
    """The second group loses all it can, then the third; the first one would cost much accuracy for little.

    A step of the second group costs 0.01 for 16 of the budget, of the third 0.1 for 32, of the first 1 for 8.
    """
    per_step = (1.0, 0.01, 0.1)
    growth = tuple(
        step * np.arange(size // 8, dtype=np.float64)[::-1] for step, size in zip(per_step, SIZES, strict=True)
    )
    made = allocator("sensitivity", growth=growth)
    assert counts(made.allocate(budget=64 + 2 * 8 + 4 * 16)) == [64, 8, 16]
    assert counts(made.allocate(budget=64 + 2 * 16 + 4 * 24)) == [64, 16, 24]
    assert counts(made.allocate(budget=56 + 2 * 8 + 4 * 8)) == [56, 8, 8]


@pytest.mark.parametrize("kind", ["uniform", "global"])
def test_budget_below_the_floors_names_the_nearest(kind: Literal["uniform", "global"]) -> None:
    """Each group keeps 16 at least: 16 + 32 + 64."""
    with pytest.raises(BudgetError) as raised:
        allocator(kind, floor=16).allocate(budget=111)
    assert raised.value.nearest == 112


def test_group_smaller_than_the_floor_is_kept() -> None:
    """A group that has no smaller accepted number keeps all of its units."""
    assert counts(allocator("uniform", multiple_of=16, floor=32).allocate(budget=32 + 64 + 96)) == [32, 32, 24]
