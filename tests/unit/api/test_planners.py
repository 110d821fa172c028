"""Plans that grow: what planners propose, what they see, and how it is planned."""

from __future__ import annotations

from datetime import datetime

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from edgepress_api.database import Database, JobRow, PipelineRow, StepRow
from edgepress_api.jobs.results_so_far import results_so_far
from edgepress_api.jobs.storing import store_plan
from edgepress_api.planners.fixed_list import FixedList
from edgepress_api.planners.planner import PlannerError, PlannerJob, Proposal
from edgepress_api.planners.registry import Planners
from edgepress_api.settings import ApiSettings
from edgepress_api.steps.ledger import Ledger
from edgepress_common.plan import make_plan
from edgepress_common.results import EvaluationResult
from fakes.growing_server import GROWS, SECOND, GrowingServer, names
from fakes.jobs import evaluation_result, made_up_test, small_spec, with_test_split
from fakes.planners import TwoProposals, second_pipeline


@pytest.fixture
def server(database: Database, ledger: Ledger, now: datetime) -> GrowingServer:
    """A server with planners whose plans grow."""
    return GrowingServer(database, ledger, now)


def test_a_fixed_list_is_proposed_once_and_complete() -> None:
    """A preset is written out; results change nothing."""
    spec = small_spec(pipelines="quick")
    job = PlannerJob(spec=spec, devices=("pi",))
    assert FixedList().propose(job, ()) == Proposal(pipelines=spec.pipeline_list(), complete=True)


def test_a_job_gets_the_first_planner_that_serves_its_spec() -> None:
    """Extensions come before the built-in planners, which serve the rest; an unknown name is refused in words."""
    planners = Planners.with_others([TwoProposals])
    assert planners.for_spec(GROWS).name == "two_proposals"
    assert planners.for_spec(small_spec()).name == "fixed_list"
    assert planners.named("two_proposals") is planners.for_spec(GROWS)
    with pytest.raises(PlannerError, match="no planner 'two_proposals'; this server has fixed_list, search"):
        Planners().named("two_proposals")


def test_planners_of_others_are_named_by_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planner is named by module and class; one that can't be imported stops the program at its start, by name."""
    monkeypatch.setenv("EDGEPRESS_PLANNERS", '["fakes.planners:TwoProposals"]')
    assert Planners.with_others(ApiSettings().planners).for_spec(GROWS).name == "two_proposals"
    monkeypatch.setenv("EDGEPRESS_PLANNERS", '["fakes.planners:NoSuchPlanner"]')
    with pytest.raises(ValidationError, match="NoSuchPlanner"):
        ApiSettings()


def test_a_plan_grows_by_what_was_found_and_then_the_job_ends(server: GrowingServer) -> None:
    """Two proposals; the second shares the training of the first, and a third has nothing more."""
    job_id = server.submit()
    server.work()
    job = server.job(job_id)
    assert (job.state, job.plan_complete, job.progress, job.finished_at) == ("running", False, 0.99, None)
    assert [pipeline.state for pipeline in job.pipelines] == ["succeeded"]
    done = len(server.workforce.done)

    server.grow()
    assert names(server.plan(job_id)) == ["base", SECOND]
    assert server.plan(job_id).complete is False
    assert server.job(job_id).state == "running"
    server.work()
    assert server.workforce.done[done:] == ["stage", "export", "evaluation"]

    server.grow()
    job = server.job(job_id)
    assert (job.state, job.plan_complete, job.progress, job.error) == ("succeeded", True, 1.0, None)
    assert server.plan_events(job_id) == [
        {"pipelines": ["base"], "complete": False},
        {"pipelines": [SECOND], "complete": False},
        {"pipelines": [], "complete": True},
    ]


def test_the_second_proposal_is_planned_as_if_it_had_been_posted(server: GrowingServer) -> None:
    """It uses the same pack and devices: its steps are those of a job that lists both pipelines."""
    job_id = server.submit()
    server.work()
    server.grow()
    listed = small_spec(pipelines=[*GROWS.pipeline_list(), second_pipeline("float32")])
    asked = make_plan(listed, fingerprint=_fingerprint(server), devices=["any"])
    assert server.plan(job_id).steps == asked.steps


def test_a_planner_is_asked_once_for_each_end(server: GrowingServer) -> None:
    """Nothing is recorded while no pipeline has ended since; two schedulers that ask at once store one answer."""
    job_id = server.submit()
    for _ in range(3):
        server.grow()
    assert len(server.plan_events(job_id)) == 1
    server.work()
    for _ in range(3):
        server.grow()
    assert len(server.plan_events(job_id)) == 2
    assert names(server.plan(job_id)) == ["base", SECOND]


def test_storing_a_plan_twice_is_storing_it_once(server: GrowingServer) -> None:
    """A plan with the same pipeline names is stored once."""
    job_id = server.submit()
    spec = GROWS.model_copy(update={"pipelines": (second_pipeline("int8"),)})
    plan = make_plan(spec, fingerprint="f", devices=["any"]).model_copy(update={"complete": False})
    added = []
    for _ in range(2):
        with server.database.write() as session:
            job = session.scalars(select(JobRow).where(JobRow.id == job_id)).one()
            added.append(store_plan(session, server.ledger, job, plan, now=server.now))
    assert added == [["pruned int8"], []]
    with server.database.read() as session:
        rows = session.scalars(select(PipelineRow).order_by(PipelineRow.position)).all()
    assert [(row.position, row.name) for row in rows] == [(0, "base"), (1, "pruned int8")]
    assert len(server.plan_events(job_id)) == 2


def test_a_planner_sees_sizes_and_measurements(server: GrowingServer) -> None:
    """Nothing before it is done; then each export with its evaluation on each device."""
    server.submit()
    with server.database.read() as session:
        (before,) = results_so_far(session, 1)
    assert (before.name, before.state) == ("base", "queued")
    assert [(export.state, export.result, export.evaluations[0].result) for export in before.exports] == [
        ("waiting", None, None)
    ] * 2
    server.work()
    with server.database.read() as session:
        (after,) = results_so_far(session, 1)
    assert [export.export.kind for export in after.exports] == ["float32", "int8"]
    assert after.state == "succeeded"
    for export in after.exports:
        assert export.result is not None
        (evaluation,) = export.evaluations
        assert evaluation.device == "any"
        assert evaluation.result is not None
        assert evaluation.result.accuracy == 0.75


def test_a_planner_does_not_see_the_test_split(server: GrowingServer) -> None:
    """The stored results have its figures, but not those that pipelines are proposed by."""
    server.workforce.change = with_test_split
    server.submit()
    server.work()
    with server.database.read() as session:
        stored = [row.result for row in session.scalars(select(StepRow).where(StepRow.kind == "evaluation"))]
        (seen,) = results_so_far(session, 1)
    assert [result.test for result in stored if isinstance(result, EvaluationResult)] == [made_up_test()] * 2
    assert [evaluation.result for export in seen.exports for evaluation in export.evaluations] == [
        evaluation_result()
    ] * 2


def _fingerprint(server: GrowingServer) -> str:
    with server.database.read() as session:
        found = session.scalars(select(JobRow.fingerprint)).first()
    assert found is not None
    return found
