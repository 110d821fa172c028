"""A gateway or scheduler that is killed at any transaction: the plan becomes what it becomes without a kill."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgepress_api.planners.registry import Planners
from fakes.jobs import small_spec
from fakes.killable import MOMENTS, Moment
from fakes.killed_run import Ended, run_with_kills
from fakes.planners import TwoProposals

PIPELINES = [{"name": "base", "exports": ["int8"]}, {"name": "b", "exports": ["float16"]}]
SPEC = small_spec(name="grows", pipelines=PIPELINES)
PLANNERS = Planners.with_others([TwoProposals])


@pytest.fixture(scope="module")
def undisturbed() -> Ended:
    """How the job ends without a kill."""
    return run_with_kills(SPEC, PLANNERS, {})


def test_the_plan_has_what_both_proposals_add(undisturbed: Ended) -> None:
    """This is the reference for the tests with kills."""
    assert [pipeline.name for pipeline in undisturbed.plan.pipelines] == ["base", "b", "pruned int8"]
    assert (undisturbed.plan.complete, undisturbed.job.state, undisturbed.deaths) == (True, "succeeded", 0)


@pytest.mark.slow
def test_a_kill_after_any_transaction_loses_nothing(undisturbed: Ended) -> None:
    """The process ends after each transaction of the run in turn, one run each."""
    for number in range(undisturbed.writes):
        ended = run_with_kills(SPEC, PLANNERS, {number: "after"})
        assert ended.deaths == 1, number
        assert (ended.plan, ended.job.state) == (undisturbed.plan, "succeeded"), number


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(kills=st.dictionaries(st.integers(0, 40), st.sampled_from(MOMENTS), min_size=2, max_size=5))
def test_several_kills_lose_nothing_either(undisturbed: Ended, kills: dict[int, Moment]) -> None:
    """Kills happen before, in and after transactions, and also to a process that has just been restarted."""
    ended = run_with_kills(SPEC, PLANNERS, kills)
    assert (ended.plan, ended.job.state) == (undisturbed.plan, "succeeded")
