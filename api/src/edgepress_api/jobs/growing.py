"""Asks the planner of a job again whenever one of the job's pipelines has ended.

1. Find the jobs that are due: their plan is not complete, and more pipelines have ended than the planner has seen
   (``JobRow.proposed_after``). Both are in the database, so a scheduler that is killed at any moment loses nothing.
2. Ask the planner outside of any transaction, so that no writer waits for it.
3. Store the proposal in one transaction, unless another scheduler has stored an answer in the meantime.

If a planner fails, its job gets no more pipelines. The pipelines that it has go on; the job then ends as partly
succeeded or failed, with the reason. A retry asks the planner again. See docs/decisions/0013-a-plan-that-grows.md.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import Principal
from edgepress_api.access.quotas import bytes_left
from edgepress_api.database import Database, JobRow, PipelineRow
from edgepress_api.jobs.asking import planner_job
from edgepress_api.jobs.planning import plan_of_proposal
from edgepress_api.jobs.results_so_far import results_so_far
from edgepress_api.jobs.storing import store_plan
from edgepress_api.latency_model.targets import planned_tables
from edgepress_api.planners.planner import PlannerError, PlannerJob
from edgepress_api.planners.registry import Planners
from edgepress_api.planners.results import PipelineResult
from edgepress_api.steps.following import follow_job, note_plan
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.plan import LatencyTables, Plan

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Question:
    """A job whose planner has to be asked, as read in one transaction."""

    number: int
    planner: str
    proposed_after: int | None
    job: PlannerJob
    fingerprint: str
    tables: LatencyTables
    results: tuple[PipelineResult, ...]

    @property
    def ended(self) -> int:
        """Number of pipelines that have ended."""
        return sum(result.state not in ACTIVE_STATES for result in self.results)


def grow_plans(database: Database, ledger: Ledger, planners: Planners, now: datetime) -> None:
    """Ask the planners of all jobs that are due, and store what they propose."""
    with database.read() as session:
        questions = [_question(session, job) for job in session.scalars(select(JobRow).where(_is_due()))]
    for question in questions:
        answer = _ask(planners, question)
        with database.write() as session:
            job = session.get(JobRow, question.number)
            if job is not None and _is_growing(job) and job.proposed_after == question.proposed_after:
                job.proposed_after = question.ended
                _apply(session, ledger, job, answer, now=now)


def _is_due() -> ColumnElement[bool]:
    ended = (
        select(func.count())
        .select_from(PipelineRow)
        .where(PipelineRow.job_number == JobRow.number, PipelineRow.state.not_in(ACTIVE_STATES))
        .scalar_subquery()
    )
    has_news = or_(JobRow.proposed_after.is_(None), JobRow.proposed_after != ended)
    return and_(JobRow.state.in_(ACTIVE_STATES), JobRow.plan_complete.is_(False), has_news)


def _is_growing(job: JobRow) -> bool:
    return job.state in ACTIVE_STATES and not job.plan_complete


def _question(session: Session, job: JobRow) -> _Question:
    assert job.fingerprint is not None, "only older jobs have none, and their plans are complete"
    return _Question(
        number=job.number,
        planner=job.planner,
        proposed_after=job.proposed_after,
        job=planner_job(session, job),
        fingerprint=job.fingerprint,
        tables=planned_tables(session, job),
        results=results_so_far(session, job.number),
    )


def _ask(planners: Planners, question: _Question) -> Plan | str:
    """Return the plan of the pipelines to add, or a sentence that says why there is none."""
    try:
        proposal = planners.named(question.planner).propose(question.job, question.results)
        plan = plan_of_proposal(
            question.job.spec,
            proposal,
            fingerprint=question.fingerprint,
            devices=question.job.devices,
            tables=question.tables,
            known=[result.name for result in question.results],
        )
    except PlannerError as error:
        return str(error)
    except Exception as error:  # a planner of one job must not stop the scheduler
        logger.exception("the planner %s failed", question.planner)
        return f"the planner {question.planner!r} failed: {error}"
    is_last = not plan.pipelines and question.ended == len(question.results)
    return plan.model_copy(update={"complete": True}) if is_last else plan


def _apply(session: Session, ledger: Ledger, job: JobRow, answer: Plan | str, *, now: datetime) -> None:
    if isinstance(answer, Plan) and answer.pipelines and _is_full(session, job):
        answer = (
            f"no more pipelines were added: {job.owner} has used the storage quota of {job.max_bytes} bytes; delete "
            "jobs that are no longer needed, then retry this one"
        )
    if isinstance(answer, Plan):
        names = store_plan(session, ledger, job, answer, now=now)
        logger.info("the plan of %s: %d pipelines added, complete: %s", job.id, len(names), job.plan_complete)
        return
    job.plan_complete, job.plan_error = True, answer
    note_plan(session, job, [], now)
    follow_job(session, job, now)


def _is_full(session: Session, job: JobRow) -> bool:
    """Whether the owner has used up the storage quota of the token that the job was posted with."""
    left = bytes_left(session, Principal(user=job.owner, scopes=frozenset(), max_bytes=job.max_bytes))
    return left is not None and left <= 0
