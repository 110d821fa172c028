"""The planner of a search, in a world with made-up figures."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest

from edgepress_api.planners.planner import PlannerJob, Proposal
from edgepress_api.planners.registry import Planners
from edgepress_api.planners.search.past import Past, key_of
from edgepress_api.planners.search.planner import SearchPlanner
from edgepress_api.planners.search.ranking import Candidate, cost, rank
from edgepress_api.planners.search.strategies import Told, next_members
from edgepress_api.recommendation.front import pareto_front
from edgepress_common.errors import InvalidSpecError
from edgepress_common.repeats import Repetition
from edgepress_common.spec import JobSpec
from edgepress_common.spec.search import Search, SearchLimits, Strategy
from edgepress_common.spec.space import Space, members, pipeline_of
from fakes.search import MadeUpWorld, search_spec

SMALL = {
    "networks": [{"architecture": "resnet18", "width": width} for width in (1, 0.5, 0.25)],
    "teachers": ["none"],
    "clusters": [0, 16],
}
STRATEGIES = ("knee_guided", "nsga2", "tpe", "random", "grid")


def test_a_search_proposes_reference_screenings_promotions_and_finals() -> None:
    """References come first; then generations of eight, of which the best third is trained in full; then seeds."""
    spec = search_spec(space=SMALL, budget={"trials": 12})
    results = MadeUpWorld().run(spec)
    kinds = [(result.trial.kind, result.name) for result in results if result.trial]
    assert kinds[:3] == [("reference", "reference"), ("screening", "reference short"), ("screening", "trial 1 short")]
    assert [name for kind, name in kinds if kind == "screening"][1:] == [f"trial {n} short" for n in range(1, 13)]
    assert Counter(kind for kind, _ in kinds)["finalist"] == 3 * 2
    full = [name for kind, name in kinds if kind == "full"]
    assert len(full) >= 4
    assert all(f"{name} short" in {other for _, other in kinds} for name in full)
    assert {Repetition.of(name).seed for kind, name in kinds if kind == "finalist"} == {1, 2}


def test_the_spec_decides_which_planner_serves_it() -> None:
    """A spec with a search has the planner of searches, by its name."""
    assert Planners().for_spec(search_spec()).name == "search"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_results_give_the_same_proposals(strategy: str) -> None:
    """No member is tried twice, and a planner that starts from any point of the way goes on to the same trials."""
    spec = search_spec(space=SMALL, budget={"trials": 20}, strategy=strategy)
    once = MadeUpWorld().run(spec)
    tried = [key_of(result.trial.choices) for result in once if result.trial and result.name.endswith(" short")][1:]
    assert len(set(tried)) == len(tried) == 20
    cut = next(at for at, result in enumerate(once) if result.name == "trial 9 short")
    assert MadeUpWorld().run(spec, once[:cut]) == once


def test_the_planner_waits_for_its_last_proposal() -> None:
    """Otherwise what it proposes would depend on which machine is faster."""
    spec = search_spec()
    job, planner = PlannerJob(spec=spec, devices=("pi",)), SearchPlanner()
    results = MadeUpWorld().results(planner.propose(job, ()))
    running = results[-1].model_copy(update={"state": "running"})
    assert planner.propose(job, [*results[:-1], running]) == Proposal()
    assert planner.propose(job, results).pipelines


def test_pipelines_of_the_spec_are_tried_first() -> None:
    """They are next to the reference, and can win."""
    spec = search_spec(space=SMALL | {"keep_macs": [1]}, budget={"trials": 3}, finalists=1, objectives=["latency"])
    model = {"architecture": "mobilenet_v3_small_minimalistic"}
    stages = [{"kind": "train", "model": model}, {"kind": "prune_channels", "target": {"keep": 0.1}}]
    listed = {"name": "mine", "stages": stages}
    spec = spec.model_validate(spec.model_dump() | {"pipelines": [listed | {"exports": ["int8"]}]})
    results = MadeUpWorld().run(spec)
    assert [result.name for result in results[:3]] == ["reference", "reference short", "mine"]
    assert [result.name for result in results[-2:]] == ["mine, seed 1", "mine, seed 2"]


def test_without_screening_all_trials_are_trained_in_full() -> None:
    """Then there is nothing to promote."""
    results = MadeUpWorld().run(search_spec(space=SMALL, budget={"trials": 9}, screening=1, seeds=1))
    assert {result.trial.kind for result in results if result.trial} == {"reference", "full"}
    assert len(results) == 1 + 9


def test_failed_trials_are_not_tried_again_and_do_not_stop_the_search() -> None:
    """All quantization-aware trainings fail: the search ends with others."""
    spec = search_spec(space=SMALL, budget={"trials": 20})
    results = MadeUpWorld(fails="QuantizeAwareStage").run(spec)
    tried = [result for result in results if result.name.endswith(" short")]
    assert any(result.state == "failed" for result in tried)
    assert len({key_of(result.trial.choices) for result in tried if result.trial}) == 21
    assert all(result.state == "succeeded" for result in results if not result.name.endswith("short"))


def test_a_search_in_which_everything_fails_ends() -> None:
    """The budget is spent, there are no finalists, and no drop can be measured."""
    spec = search_spec(space=SMALL, budget={"trials": 9}, limits={"max_accuracy_drop": 0.01})
    results = MadeUpWorld(fails="exports").run(spec)
    assert {result.state for result in results} == {"failed"}
    assert len(results) == 2 + 9


def test_a_space_that_is_smaller_than_the_budget_is_exhausted() -> None:
    """Each member is tried once."""
    space = SMALL | {"zeros": [0], "keep_macs": [1], "quantize_aware": [False], "exports": ["int8"]}
    results = MadeUpWorld().run(search_spec(space=space, strategy="tpe"))
    assert len([result for result in results if result.name.startswith("trial") and "short" in result.name]) == 6


def test_the_hours_of_the_budget_are_kept() -> None:
    """Trials stop early enough for the finalists; more hours are more trials."""
    counts = []
    for hours in (8, 16, 32):
        spec = search_spec(space=SMALL, budget={"trials": 1000, "hours": hours})
        results = MadeUpWorld().run(spec)
        assert sum(result.seconds for result in results) / 3600 < 1.1 * hours
        assert "finalist" in {result.trial.kind for result in results if result.trial}
        counts.append(len(results))
    assert counts == sorted(set(counts))


def test_a_longer_budget_goes_on_where_the_search_ended() -> None:
    """A search that was extended keeps its trials, and has finalists of all of them."""
    short = search_spec(space=SMALL, budget={"trials": 8})
    longer = search_spec(space=SMALL, budget={"trials": 24})
    first = MadeUpWorld().run(short)
    results = MadeUpWorld().run(longer, first)
    assert results[: len(first)] == first
    assert sum(result.name.endswith("short") for result in results) == 25


def test_a_narrower_space_has_only_its_trials_as_finalists() -> None:
    """A choice was fixed in between: trials outside of the space are neither promoted nor repeated."""
    first = MadeUpWorld().run(search_spec(space=SMALL, budget={"trials": 8}))
    spec = search_spec(space=SMALL | {"exports": ["int4"]}, budget={"trials": 16})
    new = MadeUpWorld().run(spec, first)[len(first) :]
    assert new
    assert {result.trial.choices["export"] for result in new if result.trial and result.trial.choices} == {"int4"}


@pytest.mark.parametrize("objective", ["latency", "coded"])
def test_a_search_under_one_point_finds_one_of_the_best_of_its_space(objective: str) -> None:
    """Forty of 189 members are enough to find one of the ten best, which keeps the limit."""
    search: dict[str, object] = {
        "space": SMALL,
        "objectives": [objective],
        "limits": {"max_accuracy_drop": 0.01},
        "seeds": 1,
    }
    world = MadeUpWorld(noise=0)
    spec = search_spec(**search, budget={"trials": 40})
    past = Past(spec, "pi", world.run(spec))
    winner = past.ranked_full()[0]
    spec = search_spec(**search, budget={"trials": 1000}, strategy="grid", screening=1)
    everything = Past(spec, "pi", world.run(spec))
    names = [each.candidate.pipeline for each in everything.ranked_full()]
    ordered = [everything.choices()[name] for name in names if name in everything.choices()]
    assert len(ordered) == 189
    assert winner.excess == 0
    assert ordered.index(past.choices(("full",))[winner.candidate.pipeline]) < 10


def test_trials_name_the_trial_that_they_are_most_like() -> None:
    """Their reason has the differences in words."""
    results = MadeUpWorld().run(search_spec(space=SMALL, budget={"trials": 16}))
    trials = {result.name: result.trial for result in results if result.trial}
    second = [trials[f"trial {number} short"] for number in range(9, 17)]
    for trial in second:
        (parent,) = trial.parents
        differences = len(trial.choices.items() - trials[parent].choices.items())
        assert trial.reason.startswith(f"as {parent}, with ")
        assert trial.reason.count(" instead of ") == differences


def test_a_label_of_devices_can_not_decide() -> None:
    """A label may stand for several devices with different times."""
    content = search_spec().model_dump() | {"evaluation": {"devices": ["rpi"]}, "search": {"device": "rpi"}}
    spec = JobSpec.model_validate(content)
    job = PlannerJob(spec=spec, devices=("pi1", "pi2"))
    with pytest.raises(InvalidSpecError, match=r"search.device: is a label .* got 'rpi'; accepted: pi1, pi2, or null"):
        SearchPlanner().propose(job, ())


def test_times_of_an_emulated_device_are_not_compared() -> None:
    """A search for latency then finds nothing; one for size does."""
    world = MadeUpWorld()
    for objective, known in (("latency", False), ("coded", True)):
        spec = search_spec(space=SMALL, objectives=[objective], budget={"trials": 3})
        (result,) = world.results(SearchPlanner().propose(PlannerJob(spec=spec, devices=("pi",)), ()))[:1]
        (export,) = result.exports
        (evaluation,) = export.evaluations
        assert evaluation.result is not None
        surroundings = evaluation.result.surroundings.model_copy(update={"emulated": True})
        emulated = evaluation.model_copy(
            update={"result": evaluation.result.model_copy(update={"surroundings": surroundings})}
        )
        result = result.model_copy(update={"exports": (export.model_copy(update={"evaluations": (emulated,)}),)})
        assert bool(Past(spec, "pi", [result]).ranked_full()) == known


def test_strategies_are_told_the_best_of_many_trials_and_a_sample_of_the_others() -> None:
    """A thousand trials give no more than a generation, none of which was tried, in the time of a few dozen."""
    space = members(Space(), search_spec().model)
    told = [Told(member, (float(at),)) for at, member in enumerate(space[:1000])]
    for strategy in ("knee_guided", "tpe"):
        chosen = next_members(strategy, space, told, count=8, seed=0)
        assert len({key_of(member) for member in chosen}) == 8
        assert not {key_of(member) for member in chosen} & {key_of(each.choices) for each in told}
        assert chosen == next_members(strategy, space, told, count=8, seed=0)


def candidates(count: int, seed: int = 0) -> list[Candidate]:
    """Return candidates with random figures."""
    source = random.Random(seed)
    return [
        Candidate(
            f"c{number}",
            0,
            {
                "accuracy": source.uniform(0.8, 0.99),
                "latency": source.uniform(1, 50),
                "coded": source.randrange(1000, 10**6),
            },
        )
        for number in range(count)
    ]


def test_the_knee_has_the_least_manhattan_distance_to_the_ideal_of_the_front() -> None:
    """Computed a second time with numpy: logarithms of times and sizes, each divided by its range on the front."""
    import numpy as np

    found = candidates(60)
    ranked = rank(found, Search(), {})
    costs = np.array([[-c.values["accuracy"], np.log(c.values["latency"]), np.log(c.values["coded"])] for c in found])
    is_dominated = np.array([(np.all(costs <= one, axis=1) & np.any(costs < one, axis=1)).any() for one in costs])
    front = costs[~is_dominated]
    distances = ((costs - front.min(axis=0)) / np.ptp(front, axis=0)).sum(axis=1)
    assert {each.candidate.pipeline for each in ranked if each.on_front} == {
        each.pipeline for each, beaten in zip(found, is_dominated, strict=True) if not beaten
    }
    expected = min((d, c.pipeline) for d, c, beaten in zip(distances, found, is_dominated, strict=True) if not beaten)
    assert ranked[0].candidate.pipeline == expected[1]
    assert ranked[0].distance == pytest.approx(expected[0])
    assert all(one.distance <= other.distance for one, other in pairwise(ranked) if one.on_front == other.on_front)


def test_limits_come_before_objectives() -> None:
    """The nearest to the limits is the first where none keeps them; half a decade weighs as much as 2.5 points."""
    search = Search(objectives=("accuracy",), limits=SearchLimits(max_latency_ms=10, max_accuracy_drop=0.01))
    made = [
        Candidate("slow", 0, {"accuracy": 0.95, "latency": 100.0}),
        Candidate("poor", 0, {"accuracy": 0.85, "latency": 5.0}),
        Candidate("near", 0, {"accuracy": 0.94, "latency": 11.0}),
    ]
    ranked = rank(made, search, {"accuracy": 0.95})
    assert [each.candidate.pipeline for each in ranked] == ["near", "slow", "poor"]
    assert [each.excess for each in ranked] == pytest.approx([0.0414, 1.0, 0.09 / 0.05], abs=1e-4)
    assert not any(each.on_front for each in ranked)
    exact = Candidate("exact", 0, {"accuracy": 0.95 - 0.01, "latency": 10.0})
    assert rank([*made, exact], search, {"accuracy": 0.95})[0].candidate is exact


def test_the_front_is_that_of_comparing_all_pairs() -> None:
    """Equal points are on the front together."""
    source = random.Random(1)
    points = [tuple(source.randrange(6) for _ in range(3)) for _ in range(200)]
    expected = [
        at
        for at, point in enumerate(points)
        if not any(other != point and all(a >= b for a, b in zip(other, point, strict=True)) for other in points)
    ]
    assert pareto_front(points) == expected


def test_at_most_half_of_a_generation_starts_a_new_training() -> None:
    """The others share networks with these or with earlier trials."""
    space = members(Space(), search_spec().model)
    first = next_members("random", space, [], count=8, seed=0)
    trainings = {(each["network"], each["teacher"], each["keep_macs"]) for each in first}
    assert (len(first), len(trainings)) == (8, 4)
    second = next_members("random", space, [Told(each, (0.0,)) for each in first], count=8, seed=0)
    new = {(each["network"], each["teacher"], each["keep_macs"]) for each in second} - trainings
    assert 1 <= len(new) <= 4


@pytest.mark.slow
def test_guided_strategies_find_better_trade_offs_than_random_ones() -> None:
    """The best of 40 trials is nearer the knee of the whole space, on average over six seeds."""
    spec = search_spec()
    criteria = Search().criteria()
    space = members(Space(), spec.model)
    settings: dict[str, Any] = {"model": spec.model, "training": spec.training, "share": 1.0}
    pool = {
        key_of(member): Candidate(
            str(at),
            0,
            dict(zip(criteria, MadeUpWorld().figures(pipeline_of("one", member, Space(), **settings)), strict=True)),
        )
        for at, member in enumerate(space)
    }
    places = {each.candidate.pipeline: place for place, each in enumerate(rank(list(pool.values()), Search(), {}))}

    def best_of_forty(strategy: Strategy, seed: int) -> int:
        told: list[Told] = []
        while len(told) < 40:
            new = next_members(strategy, space, told, count=8, seed=seed)
            ranked = rank([pool[key_of(member)] for member in [*(each.choices for each in told), *new]], Search(), {})
            told = [
                Told(
                    space[int(each.candidate.pipeline)],
                    tuple(cost(name, each.candidate.values[name]) for name in criteria),
                )
                for each in ranked
            ]
        return min(places[pool[key_of(each.choices)].pipeline] for each in told)

    guided, by_model, by_chance = (
        fmean(best_of_forty(strategy, seed) for seed in range(6)) for strategy in ("knee_guided", "tpe", "random")
    )
    assert max(guided, by_model) < by_chance
