"""Ranking, judgements, fronts and noise, compared with published examples and with the plain definition."""

import base64
from itertools import product
from math import comb, hypot, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgepress_api.recommendation.front import ScorePoint, hypervolume, knee, pareto_front
from edgepress_api.recommendation.judgements import priorities, weigh
from edgepress_api.recommendation.ranking import ahp_ideal, places, topsis, weighted_sum
from edgepress_api.recommendation.scoring import Figures, score_columns
from edgepress_api.recommendation.stability import shares_of_weightings, weight_range
from edgepress_common.significance import discordant, mcnemar, newcombe, wilson
from edgepress_common.spec import Goals

# Scores of a few alternatives in three criteria, in sixteenths so that sums are exact.
sixteenths = st.integers(0, 16).map(lambda count: count / 16)
score_matrices = st.lists(st.tuples(sixteenths, sixteenths, sixteenths), min_size=1, max_size=8)
points = st.lists(st.tuples(sixteenths, sixteenths), max_size=8)

# Saaty 2008, Decision making with the analytic hierarchy process, Table 3: which drink is consumed more in the US.
DRINKS: list[list[float]] = [
    [1, 9, 5, 2, 1, 1, 1 / 2],
    [1 / 9, 1, 1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 9],
    [1 / 5, 3, 1, 1 / 3, 1 / 4, 1 / 3, 1 / 9],
    [1 / 2, 9, 3, 1, 1 / 2, 1, 1 / 3],
    [1, 9, 4, 2, 1, 2, 1 / 2],
    [1, 9, 3, 1, 1 / 2, 1, 1 / 3],
    [2, 9, 9, 3, 2, 3, 1],
]


def test_the_weighted_sum_gives_what_its_textbook_example_has() -> None:
    """Triantaphyllou 2000, Multi-Criteria Decision Making: three alternatives, four criteria."""
    scores = [[25, 20, 15, 30], [10, 30, 20, 30], [30, 10, 30, 10]]
    assert weighted_sum(scores, [0.2, 0.15, 0.4, 0.25]) == pytest.approx([21.5, 22.0, 22.0])


def test_topsis_gives_what_its_authors_have() -> None:
    """Hwang and Yoon 1981: four fighter aircraft by speed, range, payload, cost, reliability, manoeuvrability."""
    measured = [
        [2.0, 1500, 20000, 5.5, 5, 9],
        [2.5, 2700, 18000, 6.5, 3, 5],
        [1.8, 2000, 21000, 4.5, 7, 7],
        [2.2, 1800, 20000, 5.0, 5, 5],
    ]
    lengths = [hypot(*column) for column in zip(*measured, strict=True)]
    signs = [1, 1, 1, -1, 1, 1]  # of the cost, less is better
    scores = [[s * value / n for s, value, n in zip(signs, row, lengths, strict=True)] for row in measured]
    assert topsis(scores, [0.2, 0.1, 0.1, 0.1, 0.2, 0.3]) == pytest.approx([0.643, 0.268, 0.613, 0.312], abs=0.001)


def test_the_analytic_hierarchy_process_gives_what_its_author_has() -> None:
    """Saaty 2008: weights of seven drinks, which are close to what statistics say, at a consistency ratio of 0.022."""
    found = priorities(DRINKS)
    assert found.weights == pytest.approx((0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327), abs=0.001)
    assert found.consistency_ratio == pytest.approx(0.022, abs=0.001)


def test_measured_costs_are_shares_of_the_best() -> None:
    """Twice the bytes is half as good."""
    assert ahp_ideal([[10, 4], [20, 1]], [0.5, 0.5]) == pytest.approx([0.625, 0.75])


def test_alternatives_that_are_all_alike_are_all_the_best() -> None:
    """The distance to divide by would be zero."""
    assert topsis([[0.5, 1], [0.5, 1]], [0.5, 0.5]) == [1, 1]
    assert places([0.3, 0.1 + 0.2, 0.2]) == [1, 1, 3]


def test_weights_are_as_asked_where_there_are_no_preferences() -> None:
    """The weights are scaled in proportion."""
    found = weigh(Goals.model_validate({"weights": {"accuracy": 6, "latency": 3, "size": 0, "zip": 3}}))
    assert (found.weights, found.consistency_ratio) == ((0.5, 0.25, 0, 0.25, 0, 0, 0, 0, 0, 0, 0), 0)


def test_preferences_that_agree_with_the_weights_change_nothing() -> None:
    """There is no contradiction either."""
    found = weigh(Goals.model_validate({"preferences": [{"more": "accuracy", "than": "size", "times": 2}]}))
    assert found.weights == pytest.approx((1 / 3, 1 / 3, 1 / 6, 1 / 6, 0, 0, 0, 0, 0, 0, 0))
    assert found.consistency_ratio == pytest.approx(0, abs=1e-9)


def test_preferences_that_go_round_in_a_circle_are_told_by_the_ratio() -> None:
    """Accuracy above time above size above accuracy; what does not count stays out."""
    pairs = [("accuracy", "latency"), ("latency", "size"), ("size", "accuracy")]
    preferences = [{"more": more, "than": than, "times": 5} for more, than in pairs]
    found = weigh(Goals.model_validate({"weights": {"zip": 0}, "preferences": preferences}))
    assert found.weights == pytest.approx((1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0, 0, 0, 0, 0))
    # The largest eigenvalue of a circle of fives is 1 + 5 + 1/5.
    assert found.consistency_ratio == pytest.approx((6.2 - 3) / 2 / 0.58)


@given(score_matrices)
def test_the_front_is_what_nothing_else_beats(scores: list[tuple[float, ...]]) -> None:
    """The definition is checked point by point; a front has at least one point."""
    front = pareto_front(scores)
    assert front
    for at, point in enumerate(scores):
        beaten = any(other != point and all(a >= b for a, b in zip(other, point, strict=True)) for other in scores)
        assert (at in front) != beaten


@given(points)
def test_the_hypervolume_is_the_area_that_is_covered(front: list[ScorePoint]) -> None:
    """Counted square by square."""
    squares = product(range(16), repeat=2)
    covered = sum(any(x * 16 > column and y * 16 > row for x, y in front) for column, row in squares)
    assert hypervolume(front) == pytest.approx(covered / 256)


def test_the_hypervolume_of_a_published_front() -> None:
    """The example of the library moocore's documentation, which minimises: 38."""
    front = [(-5.0, -5.0), (-4.0, -6.0), (-2.0, -7.0), (-7.0, -4.0)]
    assert hypervolume(front, reference=(-10, -10)) == pytest.approx(38)


def test_the_knee_is_where_the_front_bulges_most() -> None:
    """It is not an end of it; a straight or a concave front has none."""
    bulging = [(0.0, 1.0), (0.6, 0.9), (0.8, 0.6), (1.0, 0.0), (0.1, 0.1)]
    assert knee(bulging, pareto_front(bulging)) == 1
    for none in ([(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)], [(0.0, 1.0), (0.2, 0.2), (1.0, 0.0)], [(0.5, 0.5)], []):
        assert knee(none, range(len(none))) is None


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_an_interval_is_as_newcombe_has_it(hits: int, count: int, low: float, high: float) -> None:
    """Newcombe 1998, Two-sided confidence intervals for the single proportion, Table I, method 3."""
    found = wilson(hits / count, count)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.00005)


def test_the_interval_of_a_difference_is_as_newcombe_has_it() -> None:
    """Newcombe 1998, Interval estimation for the difference between independent proportions, Table II, method 10."""
    found = newcombe(56 / 70, 70, 48 / 80, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=0.00005)


def test_mcnemars_exact_test_is_a_tossed_coin() -> None:
    """Fay 2010, Two-sided exact tests (R's exact2x2): 2 against 9 has p = 0.06543; as many on both sides, 1."""
    assert mcnemar(2, 9) == mcnemar(9, 2) == pytest.approx(0.06543, abs=0.00001)
    assert mcnemar(4, 4) == mcnemar(0, 0) == 1
    assert mcnemar(0, 6) == pytest.approx(2 / 64)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemars_exact_test_is_the_sum_of_the_tail(only_one: int, only_other: int) -> None:
    """The sum is exact, in integers."""
    tosses = only_one + only_other
    tail = sum(comb(tosses, hits) for hits in range(min(only_one, only_other) + 1))
    assert mcnemar(only_one, only_other) == pytest.approx(min(1, 2 * tail / 2**tosses), rel=1e-9)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_images_that_only_one_gets_right_are_counted(right: list[tuple[bool, bool]]) -> None:
    """The number comes from the bits of both, for any number of images."""
    one, other = (_packed([pair[at] for pair in right]) for at in (0, 1))
    assert discordant(one, other) == (right.count((True, False)), right.count((False, True)))


def _packed(bits: list[bool]) -> str:
    number = int("".join("01"[bit] for bit in bits), 2)
    return base64.b64encode(number.to_bytes((len(bits) + 7) // 8)).decode()


def test_accuracies_nearer_than_noise_are_not_stretched_to_the_whole_scale() -> None:
    """One and two wrong out of 359 images are nearly the same; 80 and 40 ms are as far apart as 8 and 4."""
    candidates = [
        Figures({"accuracy": a, "latency": t, "size": 1, "zip": 1}, images=359) for a, t in ((1, 80), (358 / 359, 40))
    ]
    (perfect, slow, *_), (nearly, fast, *rest) = score_columns(candidates, ["accuracy", "latency", "size", "zip"])
    assert (perfect, fast, *rest) == (1, 1, 1, 1)
    assert slow == pytest.approx(1 - log10(2))
    assert 0.9 < nearly < 1


def test_scales_are_fixed() -> None:
    """Ten times the best latency and five points below the best accuracy have 0, with any other candidates."""
    rows = [(0.9, 8), (0.85, 80), (0.4, 8000)]
    for candidates in (rows, rows[:2]):
        scores = score_columns(
            [Figures({"accuracy": a, "latency": t}, images=10_000) for a, t in candidates], ["accuracy", "latency"]
        )
        assert scores[0] == [1, 1]
        assert scores[1] == pytest.approx([0, 0])
    few = [Figures({"accuracy": a}, images=100) for a in (0.9, 0.85)]
    assert 0.4 < score_columns(few, ["accuracy"])[1][0] < 0.7


@given(score_matrices, st.tuples(*[st.integers(1, 8)] * 3), st.integers(0, 2), st.floats(0, 1))
def test_inside_its_range_a_weight_leaves_the_first_where_it_is(
    scores: list[tuple[float, ...]], parts: tuple[int, ...], criterion: int, tried: float
) -> None:
    """Outside of it another file leads: verified at any weight."""
    weights = [part / sum(parts) for part in parts]
    totals = weighted_sum(scores, weights)
    first = totals.index(max(totals))
    found = weight_range(scores, weights, first, criterion)
    rest = 1 - weights[criterion]
    changed = [tried if at == criterion else (1 - tried) * weight / rest for at, weight in enumerate(weights)]
    now = weighted_sum(scores, changed)
    lead = now[first] - max(now)
    if found.low + 1e-9 <= tried <= found.high - 1e-9:
        assert lead == pytest.approx(0, abs=1e-9)
    elif tried < found.low - 1e-6 or tried > found.high + 1e-6:
        assert lead < 0
        taker = found.below if tried < found.low else found.above
        assert taker is not None


@given(score_matrices)
def test_all_weightings_are_shared_out(scores: list[tuple[float, ...]]) -> None:
    """All of them; what is beaten gets at most a part, where it ties because what it is worse in has no weight."""
    shares = shares_of_weightings(scores)
    assert sum(shares) == pytest.approx(1)
    front = pareto_front(scores)
    assert all(share < 0.5 for at, share in enumerate(shares) if at not in front)


def test_a_share_of_weightings_is_an_area() -> None:
    """With two criteria each is first under half of all weights, and they share the middle."""
    assert shares_of_weightings([[1, 0], [0, 1]]) == pytest.approx([0.5, 0.5])
    assert shares_of_weightings([]) == []


def test_many_criteria_are_weighed_on_a_coarser_grid() -> None:
    """All weights would take minutes; each of nine alternatives is still first equally often."""
    apart = [[1.0 if at == criterion else 0.0 for criterion in range(9)] for at in range(9)]
    assert shares_of_weightings(apart) == pytest.approx([1 / 9] * 9)
