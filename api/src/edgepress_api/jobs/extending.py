"""Extends a search: a larger budget, or another space, with all trials so far kept."""

from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import LOCAL, Principal
from edgepress_api.access.quotas import check_job_fits
from edgepress_api.database import Database, JobRow
from edgepress_api.jobs.deadline import deadline_of
from edgepress_api.jobs.imported import check_not_imported
from edgepress_api.steps.following import note_job
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.errors import ConflictError, FieldProblem, InvalidQueryError, NotFoundError
from edgepress_common.spec import JobSpec
from edgepress_common.spec.search import Search, SearchExtension
from edgepress_common.validation_words import in_words


def extend_search(
    database: Database, ledger: Ledger, job_id: str, extension: SearchExtension, now: datetime, *, by: Principal = LOCAL
) -> None:
    """Change the budget or the space of a job's search, and ask its planner again.

    The planner goes on from all trials so far. A job that has ended becomes active again.

    Raises:
        NotFoundError: No such job.
        ConflictError: It has no search, was cancelled, or was imported.
        InvalidQueryError: The search can't be extended this way.
        QuotaError: The user has reached the limit of active jobs or stored bytes.
    """
    with database.write() as session:
        job = _find(session, job_id)
        search = job.spec.searched()
        if search is None:
            raise ConflictError(f"{job_id} has no search; accepted: a job whose spec has the field search")
        if job.state == "cancelled":
            raise ConflictError(f"{job_id} is cancelled; accepted: a job that is not cancelled, so retry it first")
        check_not_imported(job)
        job.spec = _extended(job.spec, search, extension)
        job.plan_complete, job.plan_error, job.proposed_after = False, None, None
        if job.state not in ACTIVE_STATES:
            check_job_fits(session, by)
            job.state, job.finished_at, job.error = "running", None, None
            job.deadline_at = deadline_of(job.spec.limits, ledger.rules, now)
            note_job(session, job, now)


def _find(session: Session, job_id: str) -> JobRow:
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    return job


def _extended(spec: JobSpec, search: Search, extension: SearchExtension) -> JobSpec:
    """Return the spec with an extended search.

    Raises:
        InvalidQueryError: There are no hours to extend, or the spec would not be accepted.
    """
    budget = search.budget
    if extension.hours and budget.hours is None:
        raise _problem("hours", extension.hours, "the search has no limit of hours", "trials, or no hours")
    hours = None if budget.hours is None else budget.hours + extension.hours
    changed = search.model_dump() | {
        "budget": {"trials": budget.trials + extension.trials, "hours": hours},
        "space": (extension.space or search.space).model_dump(),
    }
    try:
        return JobSpec.model_validate(spec.model_dump() | {"search": Search.model_validate(changed)})
    except ValidationError as error:
        first = error.errors()[0]
        message, accepted = in_words(first)
        field = "space" if extension.space is not None else str((*first["loc"], "search")[-1])
        raise _problem(field, None, message, accepted) from error


def _problem(field: str, value: object, message: str, accepted: str | None) -> InvalidQueryError:
    return InvalidQueryError([FieldProblem(field=field, value=value, message=message, accepted=accepted)])
