"""The goals of a job: purposes, weights, preferences and limits."""

import pytest
from pydantic import ValidationError

from edgepress_common.plan import make_plan
from edgepress_common.spec import CRITERIA, Goals, JobSpec, Weights
from fakes.jobs import small_spec


def test_by_default_right_fast_and_small_count_the_same() -> None:
    """Small is half the file as it is, half the file zipped; there are no limits."""
    goals = small_spec().goals
    assert goals == Goals()
    assert [getattr(goals.weights, name) for name in CRITERIA] == [2, 2, 1, 1, *[0] * 7]
    assert goals.max_accuracy_drop is goals.max_latency_ms is goals.max_size_bytes is goals.max_zip_bytes is None


def test_goals_are_nothing_that_a_step_depends_on() -> None:
    """So that a job posted again with others finds everything done."""
    plans = [
        make_plan(small_spec(goals=goals), fingerprint="f", devices=["pi"])
        for goals in ({}, {"max_latency_ms": 5, "weights": {"accuracy": 9}})
    ]
    assert plans[0] == plans[1]


def test_a_spec_of_before_there_were_goals_has_none() -> None:
    """It was stored without them."""
    stored = small_spec().model_dump(mode="json")
    del stored["goals"]
    assert JobSpec.model_validate(stored) == small_spec()


@pytest.mark.parametrize(
    ("goals", "message"),
    [
        ({"weights": dict.fromkeys(CRITERIA, 0)}, "all weights are 0; accepted: at least one of accuracy"),
        ({"weights": {"accuracy": -1}}, "greater than or equal to 0"),
        ({"weights": {"speed": 1}}, "Extra inputs"),
        ({"max_accuracy_drop": 1.5}, "less than or equal to 1"),
        ({"max_latency_ms": 0}, "greater than 0"),
        ({"preferences": [{"more": "zip", "than": "zip", "times": 2}]}, "compares zip with itself"),
        ({"preferences": [{"more": "zip", "than": "size", "times": 10}]}, "less than or equal to 9"),
        ({"preferences": [{"more": "zip", "than": "size", "times": 2}, {"more": "size", "than": "zip", "times": 3}]},
         r"preferences\[1\] compares size and zip a second time"),
        ({"weights": {"zip": 0}, "preferences": [{"more": "zip", "than": "size", "times": 2}]},
         r"preferences\[0\] compares zip, whose weight is 0"),
    ],
)  # fmt: skip
def test_goals_that_make_no_sense_are_refused(goals: dict[str, object], message: str) -> None:
    """The error says what is wrong with them."""
    with pytest.raises(ValidationError, match=message):
        Goals.model_validate(goals)


def test_one_criterion_may_be_all_that_counts() -> None:
    """The others then have no weight."""
    assert Weights(accuracy=0, latency=0, size=0).zip == 1
