"""Plans that grow: the planners, and what becomes of a job while its plan is not complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from edgepress_api.access.principal import Principal
from edgepress_api.database import Database, EventRow, JobRow, PipelineRow, StepRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.garbage_collection.unreferenced_steps import delete_old_jobs, delete_unreferenced_steps
from edgepress_api.jobs.ending import cancel_job, delete_job, retry_job
from edgepress_api.jobs.growing import grow_plans
from edgepress_api.jobs.planned import show_plan
from edgepress_api.jobs.results_so_far import results_so_far
from edgepress_api.jobs.storing import store_plan
from edgepress_api.jobs.submission import Submission
from edgepress_api.jobs.time_limits import enforce_time_limits
from edgepress_api.jobs.views import show_job
from edgepress_api.planners.fixed_list import FixedList
from edgepress_api.planners.planner import PlannerError, PlannerJob, Proposal
from edgepress_api.planners.registry import BUILT_IN, Planners
from edgepress_api.settings import ApiSettings
from edgepress_api.steps.following import job_state
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.jobs import JobView
from edgepress_common.errors import ConflictError, NotFoundError, TooManyJobsError
from edgepress_common.messages import StepFailure
from edgepress_common.plan import Plan, make_plan
from edgepress_common.results import EvaluationResult
from edgepress_common.spec import JobSpec
from fakes.gateway_app import JSON, spec_json, sqlite_gateway
from fakes.jobs import Workforce, evaluation_result, made_up_test, small_spec, with_test_split
from fakes.planners import FailingPlanner, TwoProposals, second_pipeline

PLANNERS = Planners((TwoProposals(), FailingPlanner(), *BUILT_IN))
GROWS = small_spec(name="grows")
SECOND = "pruned float32"  # all files of the fakes have one size: the first of them is the smallest
BROKEN = StepFailure(code="failed", message="the loss became NaN", retryable=False)


@dataclass
class House:
    """Gateway and scheduler over one database, and a fake worker and device."""

    database: Database
    ledger: Ledger
    now: datetime
    planners: Planners = field(default_factory=lambda: PLANNERS)

    def __post_init__(self) -> None:
        self.submission = Submission(self.database, Fingerprints(roots=()), self.ledger, planners=self.planners)
        self.workforce = Workforce(self.database, self.ledger, self.now)
        self.workforce.announce()

    def submit(self, spec: JobSpec = GROWS, **options: Principal) -> str:
        """Post a job."""
        return self.submission.submit(spec, self.now, **options)  # type: ignore[arg-type]  # by=

    def work(self) -> None:
        """Do all steps that can be done."""
        self.workforce.work_until_nothing_is_left()

    def grow(self) -> None:
        """Grow plans as the scheduler does in each round."""
        grow_plans(self.database, self.ledger, self.planners, self.now)

    def job(self, job_id: str) -> JobView:
        """The job as its owner sees it."""
        with self.database.read() as session:
            return show_job(session, job_id)

    def plan(self, job_id: str) -> Plan:
        """Its plan."""
        with self.database.read() as session:
            return show_plan(session, job_id)

    def plan_events(self, job_id: str) -> list[dict[str, object]]:
        """Return the recorded events of its plan, the oldest first."""
        with self.database.read() as session:
            query = select(EventRow.data).join(JobRow, JobRow.number == EventRow.job_number)
            return list(
                session.scalars(query.where(JobRow.id == job_id, EventRow.type == "plan").order_by(EventRow.id))
            )

    def fail_next(self) -> None:
        """A worker fails the steps it gets, for good."""
        for step in self.workforce.take():
            with self.database.write() as session:
                self.ledger.fail(session, step.step_key, step.attempt, failure=BROKEN, now=self.now)


@pytest.fixture
def house(database: Database, ledger: Ledger, now: datetime) -> House:
    """A server with the planners of this test."""
    return House(database, ledger, now)


def names(plan: Plan) -> list[str]:
    """The pipelines of a plan."""
    return [pipeline.name for pipeline in plan.pipelines]


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
    with pytest.raises(PlannerError, match="no planner 'two_proposals'; this server has fixed_list"):
        Planners().named("two_proposals")


def test_planners_of_others_are_named_by_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planner is named by module and class; one that can't be imported stops the program at its start, by name."""
    monkeypatch.setenv("EDGEPRESS_PLANNERS", '["fakes.planners:TwoProposals"]')
    assert Planners.with_others(ApiSettings().planners).for_spec(GROWS).name == "two_proposals"
    monkeypatch.setenv("EDGEPRESS_PLANNERS", '["fakes.planners:NoSuchPlanner"]')
    with pytest.raises(ValidationError, match="NoSuchPlanner"):
        ApiSettings()


def test_a_plan_grows_by_what_was_found_and_then_the_job_ends(house: House) -> None:
    """Two proposals; the second shares the training of the first, and a third has nothing more."""
    job_id = house.submit()
    house.work()
    job = house.job(job_id)
    assert (job.state, job.plan_complete, job.progress, job.finished_at) == ("running", False, 0.99, None)
    assert [pipeline.state for pipeline in job.pipelines] == ["succeeded"]
    done = len(house.workforce.done)

    house.grow()
    assert names(house.plan(job_id)) == ["base", SECOND]
    assert house.plan(job_id).complete is False
    assert house.job(job_id).state == "running"
    house.work()
    assert house.workforce.done[done:] == ["stage", "export", "evaluation"]

    house.grow()
    job = house.job(job_id)
    assert (job.state, job.plan_complete, job.progress, job.error) == ("succeeded", True, 1.0, None)
    assert house.plan_events(job_id) == [
        {"pipelines": ["base"], "complete": False},
        {"pipelines": [SECOND], "complete": False},
        {"pipelines": [], "complete": True},
    ]


def test_the_second_proposal_is_planned_as_if_it_had_been_posted(house: House) -> None:
    """It uses the same pack and devices: its steps are those of a job that lists both pipelines."""
    job_id = house.submit()
    house.work()
    house.grow()
    listed = small_spec(pipelines=[*GROWS.pipeline_list(), second_pipeline("float32")])
    asked = make_plan(listed, fingerprint=_fingerprint(house), devices=["any"])
    assert house.plan(job_id).steps == asked.steps


def test_a_planner_is_asked_once_for_each_end(house: House) -> None:
    """Nothing is recorded while no pipeline has ended since; two schedulers that ask at once store one answer."""
    job_id = house.submit()
    for _ in range(3):
        house.grow()
    assert len(house.plan_events(job_id)) == 1
    house.work()
    for _ in range(3):
        house.grow()
    assert len(house.plan_events(job_id)) == 2
    assert names(house.plan(job_id)) == ["base", SECOND]


def test_storing_a_plan_twice_is_storing_it_once(house: House) -> None:
    """A plan with the same pipeline names is stored once."""
    job_id = house.submit()
    spec = GROWS.model_copy(update={"pipelines": (second_pipeline("int8"),)})
    plan = make_plan(spec, fingerprint="f", devices=["any"]).model_copy(update={"complete": False})
    added = []
    for _ in range(2):
        with house.database.write() as session:
            job = session.scalars(select(JobRow).where(JobRow.id == job_id)).one()
            added.append(store_plan(session, house.ledger, job, plan, now=house.now))
    assert added == [["pruned int8"], []]
    with house.database.read() as session:
        rows = session.scalars(select(PipelineRow).order_by(PipelineRow.position)).all()
    assert [(row.position, row.name) for row in rows] == [(0, "base"), (1, "pruned int8")]
    assert len(house.plan_events(job_id)) == 2


def test_a_planner_sees_sizes_and_measurements(house: House) -> None:
    """Nothing before it is done; then each export with its evaluation on each device."""
    house.submit()
    with house.database.read() as session:
        (before,) = results_so_far(session, 1)
    assert (before.name, before.state) == ("base", "queued")
    assert [(export.state, export.result, export.evaluations[0].result) for export in before.exports] == [
        ("waiting", None, None)
    ] * 2
    house.work()
    with house.database.read() as session:
        (after,) = results_so_far(session, 1)
    assert [export.export.kind for export in after.exports] == ["float32", "int8"]
    assert after.state == "succeeded"
    for export in after.exports:
        assert export.result is not None
        (evaluation,) = export.evaluations
        assert evaluation.device == "any"
        assert evaluation.result is not None
        assert evaluation.result.accuracy == 0.75


def test_a_planner_does_not_see_the_test_split(house: House) -> None:
    """The stored results have its figures, but not those that pipelines are proposed by."""
    house.workforce.change = with_test_split
    house.submit()
    house.work()
    with house.database.read() as session:
        stored = [row.result for row in session.scalars(select(StepRow).where(StepRow.kind == "evaluation"))]
        (seen,) = results_so_far(session, 1)
    assert [result.test for result in stored if isinstance(result, EvaluationResult)] == [made_up_test()] * 2
    assert [evaluation.result for export in seen.exports for evaluation in export.evaluations] == [
        evaluation_result()
    ] * 2


def test_a_pipeline_that_fails_is_a_result_too(house: House) -> None:
    """The planner is asked, has no result to build on, and the job ends as its pipelines did."""
    job_id = house.submit()
    house.fail_next()
    assert house.job(job_id).state == "running"
    house.grow()
    job = house.job(job_id)
    assert (job.state, job.error, job.plan_complete) == ("failed", "pack: the loss became NaN", True)


def test_what_failed_for_the_job_fails_its_later_pipelines_at_once(house: House) -> None:
    """A training that failed is not tried again for each proposal that shares it; a retry tries it once."""
    job_id = house.submit()
    for step in house.workforce.take():
        house.workforce.finish(step)
    house.fail_next()
    plan = make_plan(
        GROWS.model_copy(update={"pipelines": (second_pipeline("int8"),)}),
        fingerprint=_fingerprint(house),
        devices=["any"],
    )
    with house.database.write() as session:
        job = session.scalars(select(JobRow).where(JobRow.id == job_id)).one()
        store_plan(session, house.ledger, job, plan, now=house.now)
    shown = house.job(job_id)
    assert house.workforce.take() == []
    assert [pipeline.state for pipeline in shown.pipelines] == ["failed", "failed"]
    assert (shown.state, shown.error) == ("failed", "train: the loss became NaN")
    retry_job(house.database, house.ledger, job_id, house.now)
    house.work()
    assert house.job(job_id).state == "succeeded"


def test_a_cancelled_job_gets_no_more_until_it_is_retried(house: House) -> None:
    """Cancelled between two proposals, nothing is added; after a retry the planner continues where it was."""
    job_id = house.submit()
    house.work()
    cancel_job(house.database, house.ledger, job_id, house.now)
    house.grow()
    job = house.job(job_id)
    assert (job.state, job.plan_complete, len(job.pipelines)) == ("cancelled", False, 1)

    retry_job(house.database, house.ledger, job_id, house.now)
    assert house.job(job_id).state == "queued"
    house.grow()
    house.work()
    house.grow()
    assert house.job(job_id).state == "succeeded"
    assert names(house.plan(job_id)) == ["base", SECOND]


def test_a_job_whose_plan_grows_is_under_way(house: House) -> None:
    """It can't be deleted or retried and counts for quotas though all its pipelines have ended; cancelled, it can."""
    user = Principal(user="ada", scopes=frozenset({"submit"}), max_jobs=1)
    job_id = house.submit(by=user)
    house.work()
    with pytest.raises(ConflictError, match="cancel it first"):
        delete_job(house.database, job_id)
    with pytest.raises(ConflictError, match="is running"):
        retry_job(house.database, house.ledger, job_id, house.now, by=user)
    with pytest.raises(TooManyJobsError):
        house.submit(small_spec(), by=user)
    cancel_job(house.database, house.ledger, job_id, house.now)
    delete_job(house.database, job_id)
    house.grow()
    with pytest.raises(NotFoundError):
        house.job(job_id)


def test_a_used_up_storage_quota_stops_the_growth(house: House) -> None:
    """The limit of the token that posted the job applies to later proposals; a retry with free space continues."""
    user = Principal(user="ada", scopes=frozenset({"submit"}), max_bytes=300)
    job_id = house.submit(by=user)
    house.work()
    house.grow()
    job = house.job(job_id)
    assert job.state == "partly_succeeded"
    assert job.error is not None
    assert "ada has used the storage quota of 300 bytes" in job.error
    assert names(house.plan(job_id)) == ["base"]
    retry_job(house.database, house.ledger, job_id, house.now, by=user.model_copy(update={"max_bytes": 10_000}))
    house.grow()
    house.work()
    house.grow()
    assert (house.job(job_id).state, house.job(job_id).error) == ("succeeded", None)


def test_the_jobs_time_limit_counts_for_the_whole_plan(house: House) -> None:
    """A job that waits for its planner is ended at its deadline like any other, and has not succeeded."""
    job_id = house.submit(small_spec(name="grows", limits={"job_hours": 1}))
    house.work()
    enforce_time_limits(house.database, house.ledger, house.now + timedelta(hours=2))
    job = house.job(job_id)
    assert job.state == "partly_succeeded"
    assert "limits.job_hours" in str(job.error)
    house.grow()
    assert names(house.plan(job_id)) == ["base"]


def test_a_planner_that_fails_ends_the_growth_and_not_the_scheduler(house: House) -> None:
    """Finished steps stay; the reason is the job's error; other jobs grow; a retry asks again."""
    broken, other = house.submit(small_spec(name="fails")), house.submit()
    house.work()
    house.grow()
    job = house.job(broken)
    assert (job.state, job.plan_complete) == ("partly_succeeded", True)
    assert job.error == "the planner 'failing' failed: a share of nothing"
    assert names(house.plan(other)) == ["base", SECOND]
    retry_job(house.database, house.ledger, broken, house.now)
    assert house.job(broken).plan_complete is False
    house.grow()
    assert house.job(broken).state == "partly_succeeded"


def test_a_planner_that_is_not_installed_any_more_is_named(house: House) -> None:
    """The job ends with what it has."""
    job_id = house.submit()
    house.work()
    grow_plans(house.database, house.ledger, Planners(), house.now)
    job = house.job(job_id)
    assert job.state == "partly_succeeded"
    assert "no planner 'two_proposals'" in str(job.error)


def test_garbage_collection_keeps_the_artifacts_of_a_growing_job(house: House) -> None:
    """They stay though its pipelines ended long ago, and another job with the same steps is deleted."""
    other = house.submit(small_spec())
    job_id = house.submit()
    house.work()
    delete_job(house.database, other)
    assert delete_old_jobs(house.database, house.now + timedelta(days=900), timedelta(days=1)) == 0
    assert delete_unreferenced_steps(house.database) == 0
    done = len(house.workforce.done)
    house.grow()
    house.work()
    assert house.workforce.done[done:] == ["stage", "export", "evaluation"]
    assert names(house.plan(job_id)) == ["base", SECOND]


def test_a_proposal_that_is_done_already_grows_on_at_once(house: House) -> None:
    """Another job has done the steps of each proposal: the job ends without any work."""
    house.submit(small_spec(pipelines=[*GROWS.pipeline_list(), second_pipeline("float32")]))
    house.work()
    job_id = house.submit()
    assert house.job(job_id).state == "running"
    house.grow()
    assert house.job(job_id).state == "running"
    house.grow()
    assert house.job(job_id).state == "succeeded"
    assert names(house.plan(job_id)) == ["base", SECOND]


def test_a_job_does_not_write_into_the_stream_of_another(house: House) -> None:
    """Neither when it is posted nor when it grows: steps that they share have not changed."""
    first = house.submit(small_spec(name="grows slowly"))
    before = _events(house, first)
    house.submit(small_spec())
    assert _events(house, first) == before


def test_a_preview_shows_the_first_proposal_and_says_that_there_is_more(house: House) -> None:
    """So does its estimate; a fixed list is complete."""
    growing, fixed = house.submission.preview(GROWS), house.submission.preview(small_spec())
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


def _fingerprint(house: House) -> str:
    with house.database.read() as session:
        found = session.scalars(select(JobRow.fingerprint)).first()
    assert found is not None
    return found


def _events(house: House, job_id: str) -> int:
    with house.database.read() as session:
        query = select(EventRow.id).join(JobRow, JobRow.number == EventRow.job_number).where(JobRow.id == job_id)
        return len(session.scalars(query).all())


def test_a_cancelled_job_shows_what_was_done(house: House) -> None:
    """Nothing, where it was cancelled at once; then what its steps weigh that were done."""
    job_id = house.submit(small_spec())
    cancel_job(house.database, house.ledger, job_id, house.now)
    assert house.job(job_id).progress == 0
    other = house.submit(small_spec())
    for step in house.workforce.take():
        house.workforce.finish(step)
    cancel_job(house.database, house.ledger, other, house.now)
    assert house.job(other).progress == pytest.approx(2 / 14)
    with house.database.read() as session:
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
