"""Writes the archive of a job, as a stream: no more than a chunk of it is in memory."""

import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.bundle.packing import zip_entry
from edgepress_api.database import JobRow, StepInputRow, StepRow
from edgepress_api.steps.plausible import shown_result
from edgepress_common import __version__
from edgepress_common.answers.archive import (
    ARTIFACTS,
    FORMAT,
    FORMAT_VERSION,
    JOB_JSON,
    KEPT_OUTPUTS,
    MOST_ARCHIVE_BYTES,
    ArchivedJob,
    ArchivedPipeline,
    ArchivedStep,
)
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import ConflictError, NotFoundError
from edgepress_common.steps import Role, StepKey

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_CHUNK_BYTES = 1 << 20


def archive_job(session: Session, job_id: str, *, server: str, with_packs: bool, now: datetime) -> ArchivedJob:
    """Return what is in the archive of a job.

    Args:
        session: The database session.
        job_id: Id of the job.
        server: Address of this server.
        with_packs: Whether the arrays of its data sets are included.
        now: The current time.

    Raises:
        NotFoundError: No such job.
        ConflictError: It has not ended, or its archive would be too large.
    """
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    if job.state in ACTIVE_STATES or job.finished_at is None:
        raise ConflictError(f"{job_id} is {job.state}; accepted: a job that has ended")
    rows = list({entry.step_key: entry.step for pipeline in job.pipelines for entry in pipeline.steps}.values())
    archived = ArchivedJob(
        format=FORMAT,
        version=FORMAT_VERSION,
        edgepress=__version__,
        server=server,
        exported_at=now,
        job_id=job.id,
        name=job.name,
        state=job.state,
        created_at=job.created_at,
        finished_at=job.finished_at,
        error=job.error,
        fingerprint=job.fingerprint,
        devices=job.devices,
        spec=job.spec.model_copy(update={"project": job.project, "tags": job.tags, "notes": job.notes}),
        pipelines=tuple(
            ArchivedPipeline(
                name=pipeline.name,
                state=pipeline.state,
                trial=pipeline.trial,
                steps=tuple(entry.step_key for entry in pipeline.steps),
            )
            for pipeline in job.pipelines
        ),
        steps=tuple(_step(row, inputs, with_packs=with_packs) for row, inputs in _in_order(session, rows)),
    )
    size_bytes = sum(archived.sizes().values())
    if size_bytes > MOST_ARCHIVE_BYTES:
        raise ConflictError(
            f"the archive of {job_id} would have {size_bytes} bytes; accepted: at most {MOST_ARCHIVE_BYTES}, so leave "
            "out the images"
        )
    return archived


def _in_order(session: Session, rows: list[StepRow]) -> list[tuple[StepRow, dict[Role, StepKey]]]:
    """Return the steps with their inputs, the inputs of a step before it."""
    inputs: dict[StepKey, dict[Role, StepKey]] = {row.key: {} for row in rows}
    for entry in session.scalars(select(StepInputRow).where(StepInputRow.step_key.in_(inputs))):
        inputs[entry.step_key][entry.role] = entry.input_key
    by_key = {row.key: row for row in rows}
    order = TopologicalSorter({key: needed.values() for key, needed in inputs.items()}).static_order()
    return [(by_key[key], inputs[key]) for key in order]  # the inputs of a job's steps are steps of the job


def _step(row: StepRow, inputs: dict[Role, StepKey], *, with_packs: bool) -> ArchivedStep:
    result, failure = shown_result(
        row.result if row.state == "succeeded" else None, row.failure if row.state == "failed" else None
    )
    state = "failed" if failure is not None else row.state if row.state == "succeeded" else "cancelled"
    kept = () if result is None or (row.kind == "pack" and not with_packs) else KEPT_OUTPUTS.get(row.kind, ())
    return ArchivedStep(
        key=row.key,
        title=row.title,
        parameters=row.parameters,
        inputs=inputs,
        state=state,
        ran_by=row.holder,
        started_at=row.started_at,
        finished_at=row.finished_at,
        outputs={name: ref for name, ref in (row.outputs or {}).items() if name in kept},
        result=result,
        failure=failure,
    )


def check_artifacts(job: ArchivedJob, store: ArtifactStore) -> None:
    """Check that all artifacts are in the store, before a response begins.

    Raises:
        NotFoundError: One is missing.
    """
    for sha256 in job.sizes():
        if not store.has(sha256):
            raise NotFoundError(f"artifact {sha256} of {job.job_id} is not in the store, so it can't be archived")


def pack_archive(job: ArchivedJob, store: ArtifactStore) -> Iterator[bytes]:
    """Yield the bytes of the archive.

    Args:
        job: What is in it.
        store: The store with its artifacts.
    """
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w") as archive:
        archive.writestr(zip_entry(JOB_JSON), job.model_dump_json())
        yield outlet.take()
        for sha256, size_bytes in job.sizes().items():
            entry = zip_entry(f"{ARTIFACTS}{sha256}")
            entry.compress_type, entry.file_size = zipfile.ZIP_STORED, size_bytes  # weights hardly compress
            with archive.open(entry, "w") as file:
                for start in range(0, size_bytes, _CHUNK_BYTES):
                    file.write(store.read(sha256, start, min(_CHUNK_BYTES, size_bytes - start)))
                    yield outlet.take()
    yield outlet.take()


class _Outlet(io.RawIOBase):
    """A file that hands out what is written to it, and that nothing can be changed in afterwards."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: "ReadableBuffer") -> int:
        self._written += content
        return memoryview(content).nbytes

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken
