"""A job while its plan is not complete: failures, limits, cancellation and deletion."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from edgepress_api.access.principal import Principal
from edgepress_api.database import Database, EventRow, JobRow, StepRow
from edgepress_api.garbage_collection.unreferenced_steps import delete_old_jobs, delete_unreferenced_steps
from edgepress_api.jobs.ending import cancel_job, delete_job, retry_job
from edgepress_api.jobs.growing import grow_plans
from edgepress_api.jobs.storing import store_plan
from edgepress_api.jobs.time_limits import enforce_time_limits
from edgepress_api.planners.registry import Planners
from edgepress_api.steps.following import job_state
from edgepress_api.steps.ledger import Ledger
from edgepress_common.errors import ConflictError, NotFoundError, TooManyJobsError
from edgepress_common.plan import make_plan
from fakes.gateway_app import JSON, spec_json, sqlite_gateway
from fakes.growing_server import GROWS, PLANNERS, SECOND, GrowingServer, names
from fakes.jobs import small_spec
from fakes.planners import second_pipeline


@pytest.fixture
def server(database: Database, ledger: Ledger, now: datetime) -> GrowingServer:
    """A server with planners whose plans grow."""
    return GrowingServer(database, ledger, now)


def test_a_pipeline_that_fails_is_a_result_too(server: GrowingServer) -> None:
    """The planner is asked, has no result to build on, and the job ends as its pipelines did."""
    job_id = server.submit()
    server.fail_next()
    assert server.job(job_id).state == "running"
    server.grow()
    job = server.job(job_id)
    assert (job.state, job.error, job.plan_complete) == ("failed", "pack: the loss became NaN", True)


def test_what_failed_for_the_job_fails_its_later_pipelines_at_once(server: GrowingServer) -> None:
    """A training that failed is not tried again for each proposal that shares it; a retry tries it once."""
    job_id = server.submit()
    for step in server.workforce.take():
        server.workforce.finish(step)
    server.fail_next()
    plan = make_plan(
        GROWS.model_copy(update={"pipelines": (second_pipeline("int8"),)}),
        fingerprint=_fingerprint(server),
        devices=["any"],
    )
    with server.database.write() as session:
        job = session.scalars(select(JobRow).where(JobRow.id == job_id)).one()
        store_plan(session, server.ledger, job, plan, now=server.now)
    shown = server.job(job_id)
    assert server.workforce.take() == []
    assert [pipeline.state for pipeline in shown.pipelines] == ["failed", "failed"]
    assert (shown.state, shown.error) == ("failed", "train: the loss became NaN")
    retry_job(server.database, server.ledger, job_id, server.now)
    server.work()
    assert server.job(job_id).state == "succeeded"


def test_a_cancelled_job_gets_no_more_until_it_is_retried(server: GrowingServer) -> None:
    """Cancelled between two proposals, nothing is added; after a retry the planner continues where it was."""
    job_id = server.submit()
    server.work()
    cancel_job(server.database, server.ledger, job_id, server.now)
    server.grow()
    job = server.job(job_id)
    assert (job.state, job.plan_complete, len(job.pipelines)) == ("cancelled", False, 1)

    retry_job(server.database, server.ledger, job_id, server.now)
    assert server.job(job_id).state == "queued"
    server.grow()
    server.work()
    server.grow()
    assert server.job(job_id).state == "succeeded"
    assert names(server.plan(job_id)) == ["base", SECOND]


def test_a_job_whose_plan_grows_is_active(server: GrowingServer) -> None:
    """It can't be deleted or retried and counts for quotas though all its pipelines have ended; cancelled, it can."""
    user = Principal(user="ada", scopes=frozenset({"submit"}), max_jobs=1)
    job_id = server.submit(by=user)
    server.work()
    with pytest.raises(ConflictError, match="cancel it first"):
        delete_job(server.database, job_id)
    with pytest.raises(ConflictError, match="is running"):
        retry_job(server.database, server.ledger, job_id, server.now, by=user)
    with pytest.raises(TooManyJobsError):
        server.submit(small_spec(), by=user)
    cancel_job(server.database, server.ledger, job_id, server.now)
    delete_job(server.database, job_id)
    server.grow()
    with pytest.raises(NotFoundError):
        server.job(job_id)


def test_a_used_up_storage_quota_stops_the_growth(server: GrowingServer) -> None:
    """The limit of the token that posted the job applies to later proposals; a retry with free space continues."""
    user = Principal(user="ada", scopes=frozenset({"submit"}), max_bytes=300)
    job_id = server.submit(by=user)
    server.work()
    server.grow()
    job = server.job(job_id)
    assert job.state == "partly_succeeded"
    assert job.error is not None
    assert "ada has used the storage quota of 300 bytes" in job.error
    assert names(server.plan(job_id)) == ["base"]
    retry_job(server.database, server.ledger, job_id, server.now, by=user.model_copy(update={"max_bytes": 10_000}))
    server.grow()
    server.work()
    server.grow()
    assert (server.job(job_id).state, server.job(job_id).error) == ("succeeded", None)


def test_the_jobs_time_limit_counts_for_the_whole_plan(server: GrowingServer) -> None:
    """A job that waits for its planner is ended at its deadline like any other, and has not succeeded."""
    job_id = server.submit(small_spec(name="grows", limits={"job_hours": 1}))
    server.work()
    enforce_time_limits(server.database, server.ledger, server.now + timedelta(hours=2))
    job = server.job(job_id)
    assert job.state == "partly_succeeded"
    assert "limits.job_hours" in str(job.error)
    server.grow()
    assert names(server.plan(job_id)) == ["base"]


def test_a_planner_that_fails_ends_the_growth_and_not_the_scheduler(server: GrowingServer) -> None:
    """Finished steps stay; the reason is the job's error; other jobs grow; a retry asks again."""
    broken, other = server.submit(small_spec(name="fails")), server.submit()
    server.work()
    server.grow()
    job = server.job(broken)
    assert (job.state, job.plan_complete) == ("partly_succeeded", True)
    assert job.error == "the planner 'failing' failed: a share of nothing"
    assert names(server.plan(other)) == ["base", SECOND]
    retry_job(server.database, server.ledger, broken, server.now)
    assert server.job(broken).plan_complete is False
    server.grow()
    assert server.job(broken).state == "partly_succeeded"


def test_a_planner_that_is_not_installed_any_more_is_named(server: GrowingServer) -> None:
    """The job ends with what it has."""
    job_id = server.submit()
    server.work()
    grow_plans(server.database, server.ledger, Planners(), server.now)
    job = server.job(job_id)
    assert job.state == "partly_succeeded"
    assert "no planner 'two_proposals'" in str(job.error)


def test_garbage_collection_keeps_the_artifacts_of_a_growing_job(server: GrowingServer) -> None:
    """They stay though its pipelines ended long ago, and another job with the same steps is deleted."""
    other = server.submit(small_spec())
    job_id = server.submit()
    server.work()
    delete_job(server.database, other)
    assert delete_old_jobs(server.database, server.now + timedelta(days=900), timedelta(days=1)) == 0
    assert delete_unreferenced_steps(server.database) == 0
    done = len(server.workforce.done)
    server.grow()
    server.work()
    assert server.workforce.done[done:] == ["stage", "export", "evaluation"]
    assert names(server.plan(job_id)) == ["base", SECOND]


def test_a_proposal_that_is_done_already_grows_on_at_once(server: GrowingServer) -> None:
    """Another job has done the steps of each proposal: the job ends without any work."""
    server.submit(small_spec(pipelines=[*GROWS.pipeline_list(), second_pipeline("float32")]))
    server.work()
    job_id = server.submit()
    assert server.job(job_id).state == "running"
    server.grow()
    assert server.job(job_id).state == "running"
    server.grow()
    assert server.job(job_id).state == "succeeded"
    assert names(server.plan(job_id)) == ["base", SECOND]


def test_a_job_does_not_write_into_the_stream_of_another(server: GrowingServer) -> None:
    """Neither when it is posted nor when it grows: steps that they share have not changed."""
    first = server.submit(small_spec(name="grows slowly"))
    before = _events(server, first)
    server.submit(small_spec())
    assert _events(server, first) == before


def test_a_preview_shows_the_first_proposal_and_says_that_there_is_more(server: GrowingServer) -> None:
    """So does its estimate; a fixed list is complete."""
    growing, fixed = server.submission.preview(GROWS), server.submission.preview(small_spec())
    assert (names(growing.plan), growing.plan.complete) == (["base"], False)
    assert growing.estimate is not None
    assert growing.estimate.complete is False
    assert fixed.plan.complete is True
    assert fixed.estimate is not None
    assert fixed.estimate.complete is True


@pytest.mark.parametrize(
    ("pipelines", "complete", "cut", "state"),
    [
        (["queued"], False, False, "queued"),
        ([], False, False, "queued"),
        ([], True, False, "failed"),
        (["succeeded"], False, False, "running"),
        (["succeeded", "queued"], False, False, "running"),
        (["failed"], False, False, "running"),
        (["succeeded"], True, True, "partly_succeeded"),
        (["failed"], True, True, "failed"),
        (["cancelled"], True, True, "cancelled"),
        (["succeeded", "failed"], True, False, "partly_succeeded"),
    ],
)
def test_a_jobs_state_comes_of_its_pipelines_and_its_plan(
    pipelines: list[str], complete: bool, cut: bool, state: str
) -> None:
    """A job has ended when its pipelines have and there will be no more; cut short, it has not succeeded."""
    assert job_state(pipelines, plan_complete=complete, is_cut_short=cut) == state  # type: ignore[arg-type]


def test_a_cancelled_job_shows_what_was_done(server: GrowingServer) -> None:
    """Nothing, where it was cancelled at once; then what its steps weigh that were done."""
    job_id = server.submit(small_spec())
    cancel_job(server.database, server.ledger, job_id, server.now)
    assert server.job(job_id).progress == 0
    other = server.submit(small_spec())
    for step in server.workforce.take():
        server.workforce.finish(step)
    cancel_job(server.database, server.ledger, other, server.now)
    assert server.job(other).progress == pytest.approx(2 / 14)
    with server.database.read() as session:
        assert {row.state for row in session.scalars(select(StepRow))} == {"succeeded", "cancelled"}


def test_a_planner_that_fails_at_the_submission_refuses_the_spec(tmp_path: Path) -> None:
    """The answer is 422 with the planner's reason, nothing is stored, and the next job is accepted."""
    gateway = sqlite_gateway(tmp_path, planners=PLANNERS)
    for query in ("", "?validate_only=true"):
        answer = gateway.client.post(f"/v1/jobs{query}", content=spec_json(name="fails at once"), headers=JSON)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-spec")
        (error,) = answer.json()["errors"]
        assert (error["field"], error["message"]) == ("pipelines", "the planner 'failing' failed: a share of nothing")
    assert gateway.client.get("/v1/jobs").json()["jobs"] == []
    assert gateway.client.post("/v1/jobs", content=spec_json(), headers=JSON).status_code == 202


def _fingerprint(server: GrowingServer) -> str:
    with server.database.read() as session:
        found = session.scalars(select(JobRow.fingerprint)).first()
    assert found is not None
    return found


def _events(server: GrowingServer, job_id: str) -> int:
    with server.database.read() as session:
        query = select(EventRow.id).join(JobRow, JobRow.number == EventRow.job_number).where(JobRow.id == job_id)
        return len(session.scalars(query).all())
