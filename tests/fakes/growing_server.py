"""Gateway and scheduler with planners whose plans grow, over one database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from edgepress_api.access.principal import Principal
from edgepress_api.database import Database, EventRow, JobRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.growing import grow_plans
from edgepress_api.jobs.planned import show_plan
from edgepress_api.jobs.submission import Submission
from edgepress_api.jobs.views import show_job
from edgepress_api.planners.registry import BUILT_IN, Planners
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.jobs import JobView
from edgepress_common.messages import StepFailure
from edgepress_common.plan import Plan
from edgepress_common.spec import JobSpec
from fakes.jobs import Workforce, small_spec
from fakes.planners import FailingPlanner, TwoProposals

PLANNERS = Planners((TwoProposals(), FailingPlanner(), *BUILT_IN))
GROWS = small_spec(name="grows")
SECOND = "pruned float32"  # all files of the fakes have one size: the first of them is the smallest
BROKEN = StepFailure(code="failed", message="the loss became NaN", retryable=False)


@dataclass
class GrowingServer:
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


def names(plan: Plan) -> list[str]:
    """The pipelines of a plan."""
    return [pipeline.name for pipeline in plan.pipelines]
