"""The trials of a search, its winner and the judgement, the price of limits, and extensions."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from statistics import fmean

import pytest

from edgepress_api.database import StepRow
from edgepress_api.planners.search.outcome import find_prices, find_winner
from edgepress_api.planners.search.past import Past
from edgepress_common.answers.trials import TrialsView
from edgepress_common.errors import InvalidSpecError
from fakes.gateway_app import GatewayApp
from fakes.search import MadeUpWorld, search_spec
from fakes.searching import SEARCH, RandomLabels, finish_search, searching_gateway, submit_search

SMALL = {"networks": [{"architecture": "resnet18"}, {"architecture": "resnet18", "width": 0.5}], "teachers": ["none"]}


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway whose device tosses coins."""
    return searching_gateway(tmp_path, RandomLabels(random.Random(0)))


def trials(gateway: GatewayApp, job_id: str) -> TrialsView:
    """Return the trials of a job."""
    response = gateway.client.get(f"/v1/jobs/{job_id}/trials")
    assert response.status_code == 200, response.text
    return TrialsView.model_validate_json(response.content)


def test_a_search_shows_its_trials_and_its_winner(gateway: GatewayApp) -> None:
    """The winner is the best by the mean over seeds, and is not shown before something is measured."""
    job_id = submit_search(gateway)
    begun = trials(gateway, job_id)
    assert (begun.complete, begun.winner, begun.tried) == (False, None, 0)
    assert {trial.place for trial in begun.trials} == {None}
    finish_search(gateway)
    found = trials(gateway, job_id)
    assert (found.complete, found.tried, found.trials_budget, found.device) == (True, 8, 8, "any")
    assert found.winner is not None
    assert found.winner.seeds == 2
    name = found.winner.pipeline.partition(", seed ")[0]
    means = {}
    for one in {each.name for each in found.trials if each.trial and each.trial.kind == "finalist"}:
        first = one.partition(", seed ")[0]
        accuracies = [
            step["result"]["accuracy"]
            for pipeline in gateway.client.get(f"/v1/jobs/{job_id}").json()["pipelines"]
            if pipeline["name"] in {one, first}
            for step in [gateway.client.get(f"/v1/steps/{pipeline['steps'][-1]['key']}").json()]
        ]
        means[first] = sum(accuracies) / 2
    assert max(means, key=means.__getitem__) == name
    assert found.winner.values["accuracy"] == pytest.approx(means[name])


@pytest.mark.slow
def test_trials_that_were_not_promoted_say_why(gateway: GatewayApp) -> None:
    """Screenings in the best third have none; each other has its place."""
    job_id = submit_search(gateway)
    finish_search(gateway)
    found = trials(gateway, job_id).trials
    screened = [trial for trial in found if trial.trial and trial.trial.kind == "screening" and trial.trial.choices]
    assert len([trial for trial in screened if trial.stopped is None]) == 3
    assert {trial.place for trial in screened if trial.stopped is None} == {1, 2, 3}
    for trial in screened:
        if trial.place is not None and trial.place > 3:
            assert trial.stopped == (
                f"number {trial.place} of 8 trials after their screening; the best third is trained for all epochs"
            )


@pytest.mark.slow
def test_random_labels_do_not_gain_on_the_test_split(tmp_path: Path) -> None:
    """The best of many is above chance on validation, on average, and significant on test in no search."""
    gateway = searching_gateway(tmp_path, RandomLabels(random.Random(1)))
    accuracies = []
    for number in range(8):
        job_id = submit_search(gateway, seeds=1, space=SMALL | {"zeros": [0, 0.3 + number / 100, 0.5 + number / 100]})
        finish_search(gateway)
        winner = trials(gateway, job_id).winner
        assert winner is not None
        assert winner.test is not None
        accuracies.append(winner.values["accuracy"])
        assert winner.test.p_value is not None
        assert winner.test.p_value >= 0.05
        assert "not significantly different from" in winner.test.words
    assert fmean(accuracies) > 0.51


@pytest.mark.slow
def test_a_true_gain_is_significant_on_the_test_split(tmp_path: Path) -> None:
    """The p-value is McNemar's times the number of files that were compared."""
    labels = RandomLabels(random.Random(2))
    gateway = searching_gateway(tmp_path, labels)
    job_id = submit_search(gateway, seeds=1)
    gateway.workforce.work_until_nothing_is_left()  # the references are as good as chance
    leading = trials(gateway, job_id)
    assert (leading.complete, leading.winner is not None and leading.winner.test) == (False, None)
    labels.chance = 0.9
    finish_search(gateway)
    winner = trials(gateway, job_id).winner
    assert winner is not None
    assert winner.test is not None
    assert winner.test.tried == 1 + 3
    assert winner.test.p_value is not None
    assert winner.test.p_value < 1e-6
    assert winner.test.words.startswith(f"{100 * winner.test.accuracy:.1f} % on 200 test images")


def test_a_job_without_a_search_has_no_trials(gateway: GatewayApp) -> None:
    """The answer says what is missing."""
    job_id = gateway.finished_job()
    response = gateway.client.get(f"/v1/jobs/{job_id}/trials")
    assert (response.status_code, "has no search" in response.json()["detail"]) == (404, True)
    response = gateway.client.post(f"/v1/jobs/{job_id}/extend", json={"trials": 3})
    assert (response.status_code, "has no search" in response.json()["detail"]) == (409, True)


@pytest.mark.slow
def test_an_extended_search_goes_on(gateway: GatewayApp) -> None:
    """A search that has ended is active again, keeps its trials, and tries as many more."""
    job_id = submit_search(gateway)
    finish_search(gateway)
    before = trials(gateway, job_id)
    response = gateway.client.post(f"/v1/jobs/{job_id}/extend", json={"trials": 4})
    assert (response.status_code, response.json()["state"]) == (202, "running")
    finish_search(gateway)
    after = trials(gateway, job_id)
    assert after.trials[: len(before.trials)] != ()
    assert [trial.name for trial in after.trials][: len(before.trials)] == [trial.name for trial in before.trials]
    assert (after.complete, after.tried, after.trials_budget) == (True, 12, 12)
    assert gateway.client.get(f"/v1/jobs/{job_id}").json()["state"] == "succeeded"


@pytest.mark.slow
def test_a_choice_can_be_fixed_while_a_search_runs(gateway: GatewayApp) -> None:
    """Further trials have the value that is left."""
    job_id = submit_search(gateway)
    finish_search(gateway)
    space = SMALL | {"exports": ["int4"]}
    response = gateway.client.post(f"/v1/jobs/{job_id}/extend", json={"trials": 5, "space": space})
    assert response.status_code == 202
    finish_search(gateway)
    new = [trial for trial in trials(gateway, job_id).trials if trial.trial and trial.trial.choices][-5:]
    assert {trial.trial.choices["export"] for trial in new if trial.trial} == {"int4"}


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        ({}, "nothing is extended"),
        ({"trials": -1}, "trials"),
        ({"hours": 2}, "no limit of hours"),
        ({"space": {"zeros": []}}, "zeros"),
        ({"space": {"exports": ["int4"], "clusters": [16], "quantize_aware": [True]}}, "no combination"),
        ({"trials": 1000}, "1000 or less|at most 1000|equal to 1000"),
    ],
)
def test_what_can_not_be_extended_is_refused_in_words(
    gateway: GatewayApp, extension: dict[str, object], words: str
) -> None:
    """The search stays as it was."""
    job_id = submit_search(gateway)
    response = gateway.client.post(f"/v1/jobs/{job_id}/extend", json=extension)
    assert response.status_code == 422, response.text
    assert any(word in response.text for word in words.split("|")), response.text
    kept = gateway.client.get(f"/v1/jobs/{job_id}/spec").json()["search"]["budget"]
    assert {field: value for field, value in kept.items() if value is not None} == SEARCH["budget"]


def test_a_cancelled_search_is_retried_first(gateway: GatewayApp) -> None:
    """Otherwise its cancelled pipelines would be results."""
    job_id = submit_search(gateway)
    gateway.client.post(f"/v1/jobs/{job_id}/cancel")
    response = gateway.client.post(f"/v1/jobs/{job_id}/extend", json={"trials": 1})
    assert (response.status_code, "retry it first" in response.json()["detail"]) == (409, True)


def test_hours_that_are_too_few_for_one_trial_are_refused(gateway: GatewayApp) -> None:
    """The server has to know how long such steps take: two references of 10 and 4 epochs take 84 seconds."""
    gateway.finished_job()
    took = {"pack": 1, "stage": 10, "export": 3, "evaluation": 4}  # of two epochs
    with gateway.database.write() as session:
        for row in session.query(StepRow):
            row.started_at, row.finished_at = gateway.now, gateway.now + timedelta(seconds=took[row.kind])
    submit_search(gateway, budget={"trials": 8, "hours": 85 / 3600})
    with pytest.raises(InvalidSpecError, match=r"search.budget.hours: is too little for a trial: .* take 0.023 hours"):
        submit_search(gateway, budget={"trials": 8, "hours": 83 / 3600})


def test_an_infeasible_problem_has_the_nearest_answer_and_the_price_of_each_limit() -> None:
    """Computed a second time from all files: what the limited figure could be, and the accuracy without it."""
    world = MadeUpWorld(noise=0, is_predictable=False)  # otherwise slow networks are not tried
    limits = {"max_latency_ms": 0.5, "max_coded_bytes": 2_000_000, "max_accuracy_drop": 0.03}
    spec = search_spec(space=SMALL, objectives=["accuracy"], limits=limits, strategy="grid", screening=1, seeds=1,
                       budget={"trials": 1000})  # fmt: skip
    past = Past(spec, "pi", world.run(spec))
    winner = find_winner(past)
    assert winner is not None
    assert winner.excess > 0
    files = [each.candidate.values for each in past.ranked_full()]
    reference = 0.96
    prices = {price.limit: price for price in find_prices(past)}
    assert prices["max_latency_ms"].best_with is None
    assert prices["max_latency_ms"].nearest == min(
        one["latency"] for one in files if one["coded"] <= 2e6 and reference - one["accuracy"] <= 0.03 + 1e-9
    )
    assert prices["max_latency_ms"].best_without == max(
        one["accuracy"] for one in files if one["coded"] <= 2e6 and reference - one["accuracy"] <= 0.03 + 1e-9
    )
    assert "no file keeps all limits" in prices["max_latency_ms"].words


def test_the_price_of_a_limit_that_can_be_kept_is_the_accuracy_it_costs() -> None:
    """The limit that decides costs accuracy; one that all files keep costs none."""
    world = MadeUpWorld(noise=0)
    limits = {"max_latency_ms": 0.7, "max_coded_bytes": 50_000_000}
    spec = search_spec(space=SMALL, objectives=["accuracy"], limits=limits, strategy="grid", screening=1, seeds=1,
                       budget={"trials": 1000})  # fmt: skip
    past = Past(spec, "pi", world.run(spec))
    prices = {price.limit: price for price in find_prices(past)}
    files = [each.candidate.values for each in past.ranked_full()]
    latency = prices["max_latency_ms"]
    assert latency.best_with == max(one["accuracy"] for one in files if one["latency"] <= 0.7)
    assert latency.best_without == max(one["accuracy"] for one in files)
    with_it, without_it = f"{100 * latency.best_with:.2f} %", f"{100 * latency.best_without:.2f} %"
    assert latency.words == f"max_latency_ms 0.700 ms: costs accuracy: {with_it} with it, {without_it} without it."
    assert prices["max_coded_bytes"].words.endswith("costs no accuracy among the files that keep the other limits.")
