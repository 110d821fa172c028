"""A search under a latency limit measures probes first, and does not train what can't keep the limit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from edgepress_api.jobs.planning import plan_of_proposal
from edgepress_api.latency_model.samples import LatencyHistory
from edgepress_api.planners.planner import PlannerJob, Proposal
from edgepress_api.planners.results import PipelineResult
from edgepress_api.planners.search.latency import Expectations, next_probes
from edgepress_api.planners.search.past import Past
from edgepress_api.planners.search.planner import SearchPlanner
from edgepress_common.results import ExportResult, OperatorWork, StageResult, StepResult
from edgepress_common.spec import JobSpec
from edgepress_common.spec.space import members
from fakes.gateway_app import sqlite_gateway
from fakes.search import MadeUpWorld, search_spec
from fakes.searching import finish_search

NETWORKS = [
    *({"architecture": "resnet18", "width": width} for width in (1, 0.75, 0.5, 0.25)),
    *({"architecture": "mobilenet_v2", "width": width} for width in (1, 0.75, 0.5)),
]
SPACE = {"networks": NETWORKS, "teachers": ["none"], "clusters": [0], "zeros": [0, 0.5]}


class WithWork:
    """Results of networks with 20 operators of 0.1 ms each; with a quarter of the MACs, networks have 10."""

    def __init__(self) -> None:
        self.count = 0

    def change(self, result: StepResult) -> StepResult:
        """Return a result with the work of its network; for `Workforce.change`."""
        self.count += 1
        work = OperatorWork(kind="convolution", calls=20, macs=1000 + self.count, weights=0, values=0)
        if isinstance(result, ExportResult):
            return result.model_copy(update={"work": (work,)})
        if isinstance(result, StageResult):
            small = work.model_copy(update={"calls": 10})
            return result.model_copy(update={"work_by_keep": {"1": (work,), "0.5": (work,), "0.25": (small,)}})
        return result


def limited(max_latency_ms: float = 0.4, **changes: Any) -> JobSpec:
    """Return a search under a latency limit, on a space of which about half can keep it."""
    search: dict[str, Any] = {"space": SPACE, "limits": {"max_latency_ms": max_latency_ms}, "budget": {"trials": 24}}
    return search_spec(**search | changes)


def probes(results: list[PipelineResult]) -> list[PipelineResult]:
    """Return the probes among results."""
    return [each for each in results if each.trial and each.trial.kind == "probe"]


def first(spec: JobSpec, latency: LatencyHistory | None = None) -> Proposal:
    """Return the first proposal of a search."""
    job = PlannerJob(spec=spec, devices=("pi",), latency=latency or LatencyHistory())
    return SearchPlanner().propose(job, ())


def test_probes_span_the_networks_the_exports_and_the_shares() -> None:
    """Each network at its full width and at its least share, with different exports; nothing is trained for them."""
    found = [trial.choices for trial in first(limited()).trials.values() if trial.kind == "probe"]
    assert len(found) == 24
    widest = [choices for choices in found if choices["keep_macs"] == "1"]
    assert {(each["network"], each["export"]) for each in widest} == {
        (network, export) for network in {each["network"] for each in found} for export in ("int8", "int4")
    }
    assert Counter(each["keep_macs"] for each in found) == {"1": 14, "0.25": 10}
    stages = [
        stage.kind for each in first(limited()).pipelines if each.name.startswith("probe") for stage in each.stages
    ]
    assert set(stages) == {"probe"}


def test_networks_for_images_of_each_size_are_probed_and_predicted() -> None:
    """Smaller images are faster: a limit that the network keeps only with them rules the larger ones out."""
    space = SPACE | {"networks": [{"architecture": "resnet18"}], "image_sizes": [32, 64], "keep_macs": [1, 0.5]}
    spec, world = limited(max_latency_ms=3, space=space), MadeUpWorld()
    results = world.run(spec)
    choices = [each.trial.choices for each in probes(results) if each.trial]
    assert {(each["image_size"], each["keep_macs"]) for each in choices} == {
        (size, keep) for size in ("32", "64") for keep in ("1", "0.5")
    }
    past = Past(spec, "pi", results, world.job(spec, results).latency)
    ruled_out = {(size, keep) for _, keep, _, size in Expectations(past).ruled_out}
    assert ruled_out == {("64", "1"), ("64", "0.5")}
    trained = [each.trial.choices for each in results if each.trial and each.trial.kind == "full"]
    assert {each["image_size"] for each in trained} == {"32"}
    plan = plan_of_proposal(spec, first(spec), fingerprint="f", devices=("pi",), tables={})
    assert {step.title for step in plan.steps if step.kind == "pack"} == {"pack", "pack at 64 pixels"}


def test_without_a_latency_limit_nothing_is_probed() -> None:
    """A prediction would decide nothing."""
    assert not any(trial.kind == "probe" for trial in first(search_spec(space=SPACE)).trials.values())


def test_what_can_not_keep_the_limit_is_not_trained() -> None:
    """The model knows the time of an operation from the probes; each trial records what was predicted."""
    world = MadeUpWorld()
    results = world.run(limited())
    trained = [each for each in results if each.trial and each.trial.choices and each.trial.kind != "probe"]
    assert len(trained) >= 24
    for result in trained:
        measured = result.exports[0].evaluations[0].result
        assert measured is not None
        assert result.trial is not None
        predicted = result.trial.predicted_latency_ms
        assert predicted == pytest.approx(measured.measurements[0].latency_ms.p50, rel=0.02)
        assert measured.measurements[0].latency_ms.p50 <= 0.41
    spec = limited()
    past = Past(spec, "pi", results, world.job(spec, results).latency)
    expected = Expectations(past)
    assert expected.error is not None
    assert expected.error < 0.02
    search = spec.searched()
    assert search is not None
    assert 0 < expected.count_ruled_out() < len(members(search.space, spec.model))


def test_a_limit_that_nothing_keeps_is_answered_by_the_fastest() -> None:
    """The search still tells which latency could be had."""
    results = MadeUpWorld().run(limited(max_latency_ms=0.05))
    screened = [each for each in results if each.name.endswith(" short") and each.trial and each.trial.choices]
    assert screened
    networks = {each.trial.choices["network"] for each in screened if each.trial}
    assert networks == {"resnet18 0.25"}
    assert {each.trial.choices["keep_macs"] for each in screened if each.trial} == {"0.25"}


def test_a_known_device_needs_no_probes() -> None:
    """The files and networks of earlier jobs are enough if they are predicted well."""
    world, spec = MadeUpWorld(), limited()
    results = world.run(spec)
    known = world.job(spec, results).latency
    assert not any(trial.kind == "probe" for trial in first(spec, known).trials.values())
    wider = limited(space=SPACE | {"networks": [*NETWORKS, {"architecture": "mobilenet_v3_small_minimalistic"}]})
    new = [trial.choices for trial in first(wider, known).trials.values() if trial.kind == "probe"]
    assert [each["network"] for each in new] == ["mobilenet_v3_small_minimalistic"]


def test_probes_are_measured_once() -> None:
    """A probe that failed is not measured again; a wider space measures what it adds."""
    world = MadeUpWorld(fails="mobilenet_v2")
    results = world.run(limited())
    assert Counter(each.state for each in probes(results)) == {"succeeded": 15, "failed": 9}
    assert len({each.name for each in probes(results)}) == 24
    past = Past(limited(), "pi", results, world.job(limited(), results).latency)
    assert next_probes(past) is None
    wider = limited(space=SPACE | {"networks": [*NETWORKS, {"architecture": "mobilenet_v3_small_minimalistic"}]})
    added = next_probes(Past(wider, "pi", results, world.job(limited(), results).latency))
    assert added is not None
    assert added.pipelines[0].name == "probe 25"


def test_a_probe_is_neither_promoted_nor_a_finalist_nor_the_winner() -> None:
    """Its accuracy means nothing."""
    results = MadeUpWorld().run(limited())
    past = Past(limited(), "pi", results)
    names = {each.name for each in probes(results)}
    ranked = [*past.ranked_tried(), *past.ranked_full(), *past.ranked_finalists()]
    assert not names & {each.candidate.pipeline for each in ranked}
    assert not any(parent in names for each in results if each.trial for parent in each.trial.parents)


def test_the_history_of_a_device_is_read_from_its_evaluations(tmp_path: Path) -> None:
    """Probes and trials of a job are fitted; the next job knows their networks before it is posted."""
    labels = WithWork()
    gateway = sqlite_gateway(tmp_path)
    gateway.workforce.change = labels.change
    spec = limited(max_latency_ms=100, budget={"trials": 2}, finalists=1, seeds=1, screening=1)
    job_id = gateway.submission.submit(spec, gateway.now)
    finish_search(gateway)
    found = gateway.client.get(f"/v1/jobs/{job_id}/trials").json()
    assert found["complete"]
    assert "ruled_out" not in found
    trained = [each["trial"] for each in found["trials"] if each["trial"]["kind"] == "full"]
    for trial in trained:
        expected = 1.0 if trial["choices"]["keep_macs"] == "0.25" else 2.0
        assert trial["predicted_latency_ms"] == pytest.approx(expected)
    model = gateway.client.get("/v1/devices/pi/latency-model").json()
    assert {fit["export"] for fit in model["fits"]} == {"float32", "int8", "int4"}
    int8 = next(fit for fit in model["fits"] if fit["export"] == "int8")
    assert (int8["median_error"], int8["probes"] > 6) == (pytest.approx(0, abs=0.01), True)
    preview = gateway.submission.preview(limited(max_latency_ms=1.5))
    assert preview.search is not None
    assert preview.search.predicted == preview.search.members
    assert 0 < preview.search.ruled_out < preview.search.members
    assert "expects" in preview.search.words
    assert gateway.submission.preview(search_spec(space=SPACE)).search is not None


def test_a_report_does_not_compare_probes(tmp_path: Path) -> None:
    """Neither in its rows nor in its recommendation; their costs are shown."""
    gateway = sqlite_gateway(tmp_path)
    gateway.workforce.change = WithWork().change
    spec = limited(max_latency_ms=100, budget={"trials": 1}, finalists=1, seeds=1, screening=1)
    job_id = gateway.submission.submit(spec, gateway.now)
    finish_search(gateway)
    report = gateway.client.get(f"/v1/jobs/{job_id}/report", headers={"Accept": "application/json"}).json()
    assert {row["pipeline"] for row in report["rows"]} == {"reference", "trial 1"}
    assert {each["name"] for each in report["pipelines"]} == {"reference", "trial 1"}
    assert not any("probe" in name for each in report["trainings"] for name in each["pipelines"])
    assert any("probe 1" in cost["pipelines"] for cost in report["costs"])
