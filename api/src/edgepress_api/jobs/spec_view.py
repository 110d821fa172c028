"""Reads the spec of a job."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow
from edgepress_common.errors import NotFoundError
from edgepress_common.spec import JobSpec


def show_spec(session: Session, job_id: str) -> JobSpec:
    """Return the spec of a job with every default written out.

    Raises:
        NotFoundError: No such job.
    """
    spec = session.scalar(select(JobRow.spec).where(JobRow.id == job_id))
    if spec is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    return spec
