"""The commands `edgepress trials` and `edgepress extend`."""

from __future__ import annotations

import json

import httpx

from edgepress_common.answers.trials import FinalJudgement, LimitPrice, TrialsView, TrialView, Winner
from edgepress_common.trial import Trial
from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway, make_job, make_step

JUDGEMENT = FinalJudgement(
    images=10, accuracy=0.8, low=0.5, high=0.9, reference_accuracy=None, tried=2, p_value=None, words="80 %."
)


def view(**changes: object) -> TrialsView:
    """Return the trials of a search that has ended."""

    def trial(name: str, kind: str, place: int | None, **more: object) -> TrialView:
        record = Trial.model_validate({"kind": kind, "reason": f"why {name}"})
        values = {} if place is None else {"accuracy": 0.9, "latency": 7.5}
        settings = {"state": "succeeded", "keeps_limits": True, "on_front": place == 1, "stopped": None} | more
        return TrialView.model_validate({"name": name, "trial": record, "values": values, "place": place} | settings)

    content = TrialsView(
        complete=True,
        device="pi",
        criteria=("accuracy", "latency"),
        objectives=1,
        trials=(
            trial("trial 1 short", "screening", 2, stopped="number 2 of 3 trials"),
            trial("trial 2 short", "screening", 1),
            trial("trial 2", "full", 1),
            trial("trial 3", "full", None, state="failed", keeps_limits=None),
            trial("reference", "reference", 2, keeps_limits=False),
        ),
        tried=3,
        trials_budget=3,
        hours=1.5,
        hours_budget=2,
        winner=Winner(
            pipeline="trial 2",
            export="int8",
            seeds=1,
            values={"accuracy": 0.9},
            keeps_limits=True,
            test=FinalJudgement(
                images=10,
                accuracy=0.8,
                low=0.5,
                high=0.9,
                reference_accuracy=None,
                tried=2,
                p_value=None,
                words="80 %.",
            ),
            words="trial 2 int8 is best.",
        ),
        prices=(
            LimitPrice(
                limit="max_latency_ms",
                value=8,
                kept_by=1,
                nearest=7.5,
                best_with=0.9,
                best_without=0.92,
                words="max_latency_ms 8.00 ms: costs accuracy.",
            ),
        ),
    )
    return content.model_copy(update=changes)


def gateway(found: TrialsView) -> FakeGateway:
    """Return a gateway with these trials of its job."""
    fake = FakeGateway(looks=[make_job(make_step("train", "running"))])
    fake.answers["GET", "/v1/jobs/job-1/trials"] = httpx.Response(200, content=found.model_dump_json())
    return fake


def test_trials_are_listed_with_the_best_first_and_the_outcome_below() -> None:
    """Full trials come before screenings, those without figures after the others; what was stopped is counted."""
    ran = run_command(gateway(view()), ["trials", "job-1"])
    names = ["trial 2 ", "reference ", "trial 3 ", "trial 2 short"]
    places = [ran.out.index(f"\n {name}" if f"\n {name}" in ran.out else f"\n{name}") for name in names]
    assert places == sorted(places)
    assert "trial 1 short" not in ran.out
    text = " ".join(ran.out.split())
    for words in (
        "3 of 3 trials, 1.5 of 2 hours of work; decided by the measurements of pi.",
        "1 probes and screenings that were not promoted are not shown: --all.",
        "Winner: trial 2 int8 is best.",
        "Test split: 80 %.",
        "max_latency_ms 8.00 ms: costs accuracy.",
    ):
        assert words in text


def test_all_trials_include_those_that_were_stopped() -> None:
    """Each says why; before the end the winner is the best so far."""
    ran = run_command(gateway(view(complete=False)), ["trials", "job-1", "--all"])
    assert "trial 1 short" in ran.out
    assert "number 2 of 3 trials" in " ".join(ran.out.split())
    assert "Best so far: trial 2 int8 is best." in " ".join(ran.out.split())


def test_trials_are_json_on_request() -> None:
    """The answer of the gateway."""
    ran = run_command(gateway(view()), ["trials", "job-1", "--json"])
    assert TrialsView.model_validate_json(ran.out) == view()


def test_a_search_is_extended() -> None:
    """The request has what is added."""
    fake = gateway(view())
    shown = make_job(make_step("train", "running"))
    fake.answers["POST", "/v1/jobs/job-1/extend"] = httpx.Response(202, content=shown.model_dump_json())
    ran = run_command(fake, ["extend", "job-1", "--trials", "5", "--hours", "1.5"])
    assert ran.exit_code == 0, ran.err
    assert json.loads(fake.requests[-1].content) == {"trials": 5, "hours": 1.5}
    assert "job-1 goes on; follow it with: edgepress watch job-1" in ran.out


def test_a_search_is_followed_until_its_job_ends() -> None:
    """A line for each change of its pipelines, and the trials at the end; as JSON, the trials alone."""
    for options in ([], ["--json"]):
        fake = gateway(view(complete=False))
        fake.looks = [
            make_job(make_step("train", "running")),
            make_job(make_step("train", "running"), progress=0.5),
            make_job(make_step("train", "succeeded"), state="succeeded"),
        ]
        ran = run_command(fake, ["trials", "job-1", "--watch", *options])
        assert ran.exit_code == 0, ran.err
        asked = [each for each in fake.requests if each.url.path.endswith("/trials")]
        assert len(asked) == 2 + 1  # the last answer is of a search that is not complete
        if options:
            assert TrialsView.model_validate_json(ran.out) == view(complete=False)
        else:
            assert ran.err.count("3 of 3 trials") == 2
            assert "Best so far: trial 2 int8 is best." in " ".join(ran.out.split())
