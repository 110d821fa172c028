"""Latencies as statistics: what differs by noise is tied, in ranking, best-of and sentences."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgepress_api.recommendation.recommending import recommend
from edgepress_common.answers.recommendation import DeviceRecommendation
from edgepress_common.answers.report import ReportRow
from edgepress_common.results import Latency
from edgepress_common.significance import Interval, median_interval, medians_differ
from edgepress_common.spec import Goals
from fakes.reports import make_report, make_row

BASELINES = make_report().baselines


def steady(p50: float, half: float) -> Latency:
    """A latency whose median has an interval of a known width."""
    return Latency(runs=400, mean=p50, std=p50 / 9, min=p50 / 2, p50=p50, p90=2 * p50, p99=3 * p50, max=4 * p50,
                   p50_low=p50 - half, p50_high=p50 + half)  # fmt: skip


def recommended(*rows: ReportRow, **goals: object) -> DeviceRecommendation:
    """Return the recommendation for the only device."""
    (device,) = recommend(rows, BASELINES, Goals.model_validate(goals)).devices
    return device


def order(device: DeviceRecommendation) -> list[str]:
    """Return the pipelines of the candidates, the best first."""
    return [candidate.pipeline for candidate in device.candidates]


def test_two_medians_differ_if_their_difference_exceeds_its_interval_and_five_percent() -> None:
    """Both are needed: a run's own interval does not include what loading the file again changes."""
    exact = {p50: steady(p50, 0.0001) for p50 in (0.0525, 0.0527, 0.06)}
    assert not exact[0.0525].differs_from(exact[0.0527])
    assert exact[0.0525].differs_from(exact[0.06])
    assert exact[0.06].differs_from(exact[0.0525])
    assert not steady(0.0525, 0.006).differs_from(steady(0.06, 0.006))
    # Only the ends between the medians count: those of the difference's lower end.
    assert medians_differ(1, Interval(0.1, 1.1), 2, Interval(1.9, 9))


def test_a_latency_without_an_interval_has_that_of_its_spread() -> None:
    """Results of today have none: the standard error of a median of normal values is used."""
    old = Latency(runs=100, mean=10, std=1, min=8, p50=10, p90=11, p99=12, max=13)
    assert (old.p50_interval.low, old.p50_interval.high) == pytest.approx((9.7544, 10.2456), abs=1e-4)
    assert old.p50_interval == median_interval(10, 1, 100)
    assert old.model_dump() == Latency.model_validate(old.model_dump()).model_dump()
    assert "p50_low" not in old.model_dump()


def test_nothing_is_fastest_by_noise() -> None:
    """The most accurate of files whose latencies do not differ significantly is the fastest; the tie is told."""
    rows = [
        make_row("int8", pipeline="poor", accuracy=0.96, latency_ms=steady(0.0525, 0.001)),
        make_row("int8", pipeline="good", accuracy=0.98, latency_ms=steady(0.0527, 0.001)),
        make_row("int8", pipeline="slow", accuracy=0.985, latency_ms=steady(0.09, 0.001)),
    ]
    device = recommended(*rows)
    fastest = next(each for each in device.purposes if each.purpose == "fastest_to_run")
    assert fastest.choice.pipeline == "good"
    assert fastest.words.endswith("Its latency does not differ significantly from that of poor int8.")
    scores = {each.pipeline: each.standing.scores.latency for each in device.candidates if each.standing}
    assert scores["poor"] == scores["good"] == 1
    assert scores["slow"] is not None
    assert scores["slow"] < 1


def test_a_tie_with_the_reference_is_not_a_speedup() -> None:
    """The sentence has no ratio; and only latencies with equal numbers of threads are compared."""
    base = [make_row("float32", p50=10, threads=1), make_row("float32", p50=5, threads=2)]
    words = recommended(*base, make_row("int8", pipeline="tied", p50=10.2, size_bytes=1_000_000)).purposes[0].words
    assert "no significant difference in latency" in words
    faster = recommended(*base, make_row("int8", pipeline="fast", p50=4, size_bytes=1_000_000)).purposes[0].words
    assert "2.50\N{MULTIPLICATION SIGN} faster" in faster
    unknown = [base[1], make_row("int8", pipeline="fast", p50=4, size_bytes=1_000_000)]
    assert "faster" not in recommended(*unknown).purposes[0].words


def test_the_fewest_of_equally_fast_threads_are_chosen() -> None:
    """A second processor that gains nothing is left free."""
    rows = [make_row("int8", p50=4.9, threads=4), make_row("int8", p50=5, threads=2), make_row("int8", p50=9)]
    (candidate,) = recommended(*rows).candidates
    assert candidate.threads == 2


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(st.permutations([11.0, 30.0, 13.0, 12.0]))
def test_times_of_equal_work_can_be_swapped(p50s: list[float]) -> None:
    """Files with equal operators and shapes differ by noise alone: swapping their times changes no place."""
    accuracies = {"base": 0.98, "pruned": 0.976, "clustered": 0.97, "aware": 0.978}
    rows = [make_row("float32", pipeline="float", accuracy=0.985, p50=60, work="b")]
    for (pipeline, accuracy), p50 in zip(accuracies.items(), p50s, strict=True):
        size = int(11e6 * accuracy)
        rows.append(make_row("int8", pipeline=pipeline, accuracy=accuracy, p50=p50, work="a", size_bytes=size))
    for method in ("weighted_sum", "topsis", "ahp"):
        expected = [row if row.work == "b" else row.model_copy(update={"latency_ms": steady(11, 0.1)}) for row in rows]
        assert order(recommended(*rows, method=method)) == order(recommended(*expected, method=method))
