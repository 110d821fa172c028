"""Imports a job from an archive. See `edgepress_api.archive` for what an archive is trusted with."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import Principal
from edgepress_api.archive.checking import check_results
from edgepress_api.archive.opening import open_archive
from edgepress_api.database import (
    Database,
    JobRow,
    PipelineRow,
    PipelineStepRow,
    StepArtifactRow,
    StepInputRow,
    StepRow,
)
from edgepress_api.jobs.facets import store_facets
from edgepress_api.steps.following import note_job
from edgepress_api.uploads.reservations import reservation
from edgepress_common.answers.archive import ArchivedJob, ArchivedStep
from edgepress_common.answers.job_list import ImportedFrom
from edgepress_common.artifacts import ArtifactRef, ArtifactStore
from edgepress_common.errors import InvalidInputError
from edgepress_common.messages import Outputs
from edgepress_common.results import EvaluationResult
from edgepress_common.steps import EvaluationStep, StepKey

_MOST_DEVICES = 50


def import_job(
    database: Database,
    store: ArtifactStore,
    chunks: Iterable[bytes],
    *,
    guarded: Callable[[Iterable[bytes]], Iterator[bytes]],
    now: datetime,
    by: Principal,
    announced_bytes: int = 0,
) -> tuple[str, bool]:
    """Store the job of an archive for a user, and return its id, and whether it is new.

    The same archive, imported again by the same user, is the job that it is already.

    Args:
        database: The database.
        store: The artifact store.
        chunks: The bytes of the archive as they arrive.
        guarded: Yields chunks as long as there is free space.
        now: The current time.
        by: The user.
        announced_bytes: Length that the client announces; 0 for none.

    Raises:
        InvalidInputError: It is not an archive, or what it says is not valid.
        StorageQuotaError: It exceeds the user's storage quota.
        InsufficientStorageError: The artifact store is nearly full.
    """
    with reservation(database, by, announced_bytes) as reserved:
        # Garbage collection removes the archive itself after an hour: nothing refers to it.
        archive = store.put_chunks(guarded(reserved.counted(chunks)), "application/zip")
        job_id = _job_id(by.user, archive.sha256)
        with database.read() as session:
            if session.scalar(select(JobRow.number).where(JobRow.id == job_id)) is not None:
                return job_id, False
        with open_archive(store.local_path(archive.sha256)) as opened:
            check_results(opened.job)
            reserved.grow_to(sum(opened.job.sizes().values()))
            artifacts = {
                sha256: _stored(store, guarded(opened.artifact(sha256)), sha256) for sha256 in opened.job.sizes()
            }
            return job_id, _store(database, opened.job, artifacts, job_id, now=now, by=by)


def _job_id(user: str, archive_sha256: str) -> str:
    """Return the id of the job that a user imports from an archive."""
    return f"job-{hashlib.sha256(f'{user} imports {archive_sha256}'.encode()).hexdigest()[:16]}"


def _stored(store: ArtifactStore, chunks: Iterable[bytes], sha256: str) -> ArtifactRef:
    """Store an artifact under the SHA-256 of its bytes, which must be the one that the archive names."""
    found = store.put_chunks(chunks)
    if found.sha256 != sha256:
        raise InvalidInputError(f"the artifact {sha256} has the SHA-256 {found.sha256}; accepted: bytes of that name")
    return found


def _store(
    database: Database,
    archived: ArchivedJob,
    artifacts: Mapping[str, ArtifactRef],
    job_id: str,
    *,
    now: datetime,
    by: Principal,
) -> bool:
    with database.write() as session:
        if session.scalar(select(JobRow.number).where(JobRow.id == job_id)) is not None:
            return False
        job = _job_row(archived, job_id, now=now, by=by)
        session.add(job)
        keys = {step.key: imported_key(job_id, step.key) for step in archived.steps}
        _add_steps(session, archived.steps, keys, artifacts, now=now)
        job.pipelines = [
            PipelineRow(
                position=position,
                name=pipeline.name,
                state=pipeline.state,
                trial=pipeline.trial,
                steps=[PipelineStepRow(position=at, step_key=keys[key]) for at, key in enumerate(pipeline.steps)],
            )
            for position, pipeline in enumerate(archived.pipelines)
        ]
        session.flush()
        store_facets(session, job)
        note_job(session, job, now)
        return True


def imported_key(job_id: str, key: StepKey) -> StepKey:
    """Return the key of an imported step.

    A planned key is the SHA-256 of a JSON object, which begins with a brace. This text does not, so that no plan has
    the key: what another server claims is never taken for work that is done.

    Args:
        job_id: Id of the imported job, on this server.
        key: Key of the step on the server that ran it.
    """
    return hashlib.sha256(f"imported into {job_id}: {key}".encode()).hexdigest()


def _job_row(archived: ArchivedJob, job_id: str, *, now: datetime, by: Principal) -> JobRow:
    spec = archived.spec.model_copy(update={"webhook": None, "notify": ()})  # it notifies no one
    results = [step.result for step in archived.steps if isinstance(step.result, EvaluationResult)]
    devices = dict.fromkeys(
        f"{each.device} ({each.surroundings.board or each.surroundings.cpu or each.surroundings.machine})"
        for each in results
    )
    return JobRow(
        id=job_id,
        name=archived.name,
        owner=by.user,
        state=archived.state,
        spec=spec,
        created_at=archived.created_at,
        finished_at=archived.finished_at,
        error=archived.error,
        plan_complete=True,
        fingerprint=archived.fingerprint,
        devices=archived.devices,
        project=spec.project,
        tags=spec.tags,
        notes=spec.notes,
        imported=ImportedFrom(
            server=archived.server,
            job_id=archived.job_id,
            exported_at=archived.exported_at,
            edgepress=archived.edgepress,
            devices=tuple(devices)[:_MOST_DEVICES],
        ),
        imported_at=now,
    )


def _add_steps(
    session: Session,
    steps: Sequence[ArchivedStep],
    keys: Mapping[StepKey, StepKey],
    artifacts: Mapping[str, ArtifactRef],
    *,
    now: datetime,
) -> None:
    # Those of the same archive, whose job was deleted a moment ago, are still there.
    there = set(session.scalars(select(StepRow.key).where(StepRow.key.in_(list(keys.values())))))
    added = [step for step in steps if keys[step.key] not in there]
    outputs = {step.key: {name: artifacts[ref.sha256] for name, ref in step.outputs.items()} for step in added}
    session.add_all(_step_row(step, keys[step.key], outputs[step.key], now) for step in added)
    session.flush()
    for step in added:
        key = keys[step.key]
        session.add_all(StepInputRow(step_key=key, role=role, input_key=keys[of]) for role, of in step.inputs.items())
        sizes = {ref.sha256: ref.size_bytes for ref in outputs[step.key].values()}
        session.add_all(StepArtifactRow(sha256=name, step_key=key, size_bytes=size) for name, size in sizes.items())
    session.flush()


def _step_row(step: ArchivedStep, key: StepKey, outputs: Outputs, now: datetime) -> StepRow:
    return StepRow(
        key=key,
        kind=step.parameters.kind,
        title=step.title,
        parameters=step.parameters,
        device=step.parameters.device if isinstance(step.parameters, EvaluationStep) else None,
        weight=1.0,
        state=step.state,
        attempt=0,
        failures=0,
        sends=0,
        holder=step.ran_by,
        origin_key=step.key,
        outputs=outputs if step.state == "succeeded" else None,
        result=step.result,
        failure=step.failure,
        created_at=now,
        started_at=step.started_at,
        finished_at=step.finished_at,
    )
