"""Pauses between retries."""

import itertools

from edgepress_common.pauses import growing_pauses

BOUNDS = [1, 2, 4, 8, 16, 30, 30, 30]


def _pauses(share: float) -> list[float]:
    return list(itertools.islice(growing_pauses(share=lambda: share), len(BOUNDS)))


def test_bounds_double_up_to_half_a_minute() -> None:
    """A pause is at least a quarter of its bound, and at most the bound."""
    assert _pauses(1) == BOUNDS
    assert _pauses(0) == [bound / 4 for bound in BOUNDS]


def test_pauses_end_when_they_add_up() -> None:
    """Their sum is at least the total."""
    assert list(growing_pauses(10, share=lambda: 1)) == [1, 2, 4, 8]
    assert sum(growing_pauses(10)) >= 10


def test_clients_of_one_outage_return_at_different_moments() -> None:
    """500 clients lose a service in the same instant: less than a quarter return in any one second."""
    returns = [int(sum(itertools.islice(growing_pauses(), 5))) for _ in range(500)]
    assert max(map(returns.count, set(returns))) < 125
