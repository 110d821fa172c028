"""A search whose gateway or scheduler is killed at any transaction tries the same trials as without a kill."""

from __future__ import annotations

import pytest

from edgepress_api.planners.registry import Planners
from edgepress_common.spec import JobSpec
from fakes.killable import MOMENTS, Moment
from fakes.killed_run import Ended, run_with_kills
from fakes.search import search_spec


def spec(strategy: str = "knee_guided") -> JobSpec:
    """Return a search of two generations on a space of a few networks."""
    space = {"networks": [{"architecture": "resnet18"}], "teachers": ["none"], "clusters": [0]}
    search: dict[str, object] = {
        "objectives": ["accuracy"],
        "space": space,
        "budget": {"trials": 10},
        "finalists": 1,
        "seeds": 2,
    }
    return search_spec(**search, strategy=strategy)


@pytest.fixture(scope="module")
def undisturbed() -> Ended:
    """How the search ends without a kill."""
    return run_with_kills(spec(), Planners(), {})


@pytest.mark.slow
def test_the_search_ends_with_its_finalists(undisturbed: Ended) -> None:
    """This is the reference for the tests with kills."""
    pipelines = undisturbed.plan.pipelines
    assert (undisturbed.plan.complete, undisturbed.job.state) == (True, "succeeded")
    assert sum(each.name.endswith("short") for each in pipelines) == 1 + 10
    assert pipelines[-1].name.endswith(", seed 1")
    assert {each.trial.kind for each in pipelines if each.trial} == {"reference", "screening", "full", "finalist"}


@pytest.mark.slow
def test_kills_do_not_change_the_trials(undisturbed: Ended) -> None:
    """Kills are spread over the run, of each kind, and a process that was just restarted is killed again."""
    for at, moment in enumerate(MOMENTS):
        kills: dict[int, Moment] = {
            number + shift: moment for number in range(at, undisturbed.writes, 17) for shift in (0, 1)
        }
        ended = run_with_kills(spec(), Planners(), kills)
        assert ended.deaths > 10
        assert (ended.plan, ended.job.state) == (undisturbed.plan, "succeeded"), moment


@pytest.mark.slow
def test_each_strategy_goes_on_to_the_same_trials() -> None:
    """A strategy has no state of its own that a kill could lose."""
    for strategy in ("tpe", "random"):
        kills: dict[int, Moment] = {30: "after", 60: "within"}
        undisturbed = run_with_kills(spec(strategy), Planners(), {})
        assert run_with_kills(spec(strategy), Planners(), kills).plan == undisturbed.plan, strategy


@pytest.mark.slow
def test_kills_change_neither_probes_nor_predictions() -> None:
    """The latency model is fitted again on the same files."""
    limited = spec().model_dump() | {"search": spec().model_dump()["search"] | {"limits": {"max_latency_ms": 3}}}
    under_a_limit = JobSpec.model_validate(limited)
    undisturbed = run_with_kills(under_a_limit, Planners(), {})
    trials = [each.trial for each in undisturbed.plan.pipelines if each.trial]
    assert sum(trial.kind == "probe" for trial in trials) == 6
    assert all(trial.predicted_latency_ms for trial in trials if trial.kind == "full")
    kills: dict[int, Moment] = {number: MOMENTS[number % len(MOMENTS)] for number in range(5, undisturbed.writes, 13)}
    ended = run_with_kills(under_a_limit, Planners(), kills)
    assert ended.deaths > 5
    assert (ended.plan, ended.job.state) == (undisturbed.plan, "succeeded")
