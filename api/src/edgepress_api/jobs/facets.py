"""The values by which people find a job again: its project and tags, and its networks, data set and devices."""

from collections.abc import Iterator

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from edgepress_api.database import DatasetRow, FacetRow, JobRow
from edgepress_common.answers.job_list import Facet, FacetKind, Facets
from edgepress_common.errors import NotFoundError
from edgepress_common.spec.dataset_kinds.upload import UploadDataset
from edgepress_common.spec.labels import JobLabels
from edgepress_common.spec.model import UploadedModel

_MOST_SHOWN = 100  # of a kind
_LONGEST = 200


def store_facets(session: Session, job: JobRow) -> None:
    """Store the values of a job; earlier ones are replaced."""
    session.execute(delete(FacetRow).where(FacetRow.job_number == job.number))
    for kind, value in set(_facets(session, job)):
        session.add(FacetRow(job_number=job.number, kind=kind, value=value[:_LONGEST]))


def change_labels(session: Session, job_id: str, labels: JobLabels) -> None:
    """Replace the labels of a job.

    Raises:
        NotFoundError: No such job.
    """
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    job.project, job.tags, job.notes = labels.project, labels.tags, labels.notes
    store_facets(session, job)


def list_facets(session: Session, *, owner: str | None) -> Facets:
    """Return the most frequent values of each kind.

    Args:
        session: The database session.
        owner: Only of this user's jobs; None for all users.
    """
    jobs = func.count().label("jobs")
    query = select(FacetRow.kind, FacetRow.value, jobs).group_by(FacetRow.kind, FacetRow.value)
    if owner is not None:
        query = query.join(JobRow, JobRow.number == FacetRow.job_number).where(JobRow.owner == owner)
    shown: dict[FacetKind, list[Facet]] = {}
    for row in session.execute(query.order_by(jobs.desc(), FacetRow.value)):
        of_kind = shown.setdefault(row.kind, [])
        if len(of_kind) < _MOST_SHOWN:
            of_kind.append(Facet(kind=row.kind, value=row.value, jobs=row.jobs))
    return Facets(facets=tuple(facet for of_kind in shown.values() for facet in of_kind))


def _facets(session: Session, job: JobRow) -> Iterator[tuple[FacetKind, str]]:
    if job.project is not None:
        yield "project", job.project
    yield from (("tag", tag) for tag in job.tags)
    for _, network in job.spec.networks():
        yield "network", network.sha256[:12] if isinstance(network, UploadedModel) else network.architecture
    yield "dataset", _dataset(session, job)
    yield from (("device", device) for device in (*job.spec.evaluation.devices, *(job.devices or ())))


def _dataset(session: Session, job: JobRow) -> str:
    dataset = job.spec.dataset
    if isinstance(dataset, UploadDataset):
        found = select(DatasetRow.name).where(DatasetRow.sha256 == dataset.sha256, DatasetRow.owner == job.owner)
        return session.scalar(found) or dataset.title
    return dataset.title
