"""Shows a data set: from the pack of a job, or as far as it is known before a job has packed it."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from sqlalchemy import Select, String, cast, select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import Principal
from edgepress_api.database import DatasetRow, JobRow, PipelineRow, PipelineStepRow, StepRow
from edgepress_api.database.page_tokens import read_page_token, write_page_token
from edgepress_api.datasets.zip_folders import count_by_folder
from edgepress_api.images.augmented import augmented_of_job
from edgepress_api.images.packed import read_labels
from edgepress_api.images.queries import SampleQuery, class_index, invalid
from edgepress_api.images.warnings import dataset_warnings
from edgepress_api.report.datasets import dataset_summary
from edgepress_api.uploads.pages import find_upload
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.answers.samples import FolderCount, SampleImage, Samples
from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import NotFoundError
from edgepress_common.results import PackResult
from edgepress_common.spec import UploadDataset
from edgepress_common.steps import PackStep

_MOST_FOLDERS = 200
_NOT_PACKED = "No job has packed these images yet. Post a job: its first step packs them, and they are shown here."
_PACKING = "The images are shown when the job has packed them."
_NOT_IMPORTED = "The job was imported without its images: they are on the server that ran it."
_HELD_BACK = "The images of the test split are shown when the job has ended, so that no decision depends on them."


@dataclass(frozen=True)
class _Pack:
    """A pack of a job, and whether the job has ended."""

    job: str
    has_ended: bool
    step: StepRow


def samples_of_job(session: Session, store: ArtifactStore, job_id: str, query: SampleQuery) -> Samples:
    """Return the data set of a job.

    Args:
        session: The database session.
        store: The artifact store.
        job_id: Id of the job.
        query: Which images to show.

    Raises:
        NotFoundError: The job, or an artifact of its pack, does not exist.
        InvalidQueryError: The split, the class or the token does not exist.
    """
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    packs = session.scalars(
        _packs().where(JobRow.number == job.number).order_by(PipelineRow.position, PipelineStepRow.position)
    )
    # A pipeline with a network for smaller images has a pack of its own.
    size = job.spec.dataset.image_size
    found = next((row for row in packs if _parameters(row).dataset.image_size == size), None)
    if found is None:
        return Samples(job=None, dataset=None, note=_PACKING)
    samples = _samples(_Pack(job.id, job.state not in ACTIVE_STATES, found), store, query)
    assert found.outputs is not None
    images = found.outputs.get("train_images")  # an imported job may be without
    augmented = None if images is None else augmented_of_job(session, job, images.sha256)
    return samples.model_copy(update={"augmented": augmented})


def samples_of_upload(
    session: Session, store: ArtifactStore, sha256: str, who: Principal, query: SampleQuery
) -> Samples:
    """Return an uploaded data set, as the latest job of the user has packed it.

    Args:
        session: The database session.
        store: The artifact store.
        sha256: SHA-256 of the archive.
        who: The user.
        query: Which images to show.

    Raises:
        NotFoundError: The user has no such upload, or the archive or an artifact of the pack does not exist.
        InvalidQueryError: The split, the class or the token does not exist.
    """
    upload = find_upload(session, DatasetRow, sha256, owner=who.viewer)
    if upload is None:
        raise NotFoundError(f"data set {sha256!r} has not been uploaded")
    packs = _packs().add_columns(JobRow).where(cast(StepRow.parameters, String).contains(sha256))
    packs = packs.where(StepRow.origin_key.is_(None))
    if who.viewer is not None:
        packs = packs.where(JobRow.owner == who.viewer)
    for row, job in session.execute(packs.order_by(JobRow.number.desc())):
        dataset = _parameters(row).dataset
        if isinstance(dataset, UploadDataset) and dataset.sha256 == sha256:
            return _samples(_Pack(job.id, job.state not in ACTIVE_STATES, row), store, query)
    counts = count_by_folder(store, sha256, upload.size_bytes) if upload.media_type == "application/zip" else {}
    folders = [FolderCount(folder=folder, images=images) for folder, images in counts.items()]
    return Samples(job=None, dataset=None, folders=tuple(folders[:_MOST_FOLDERS]), note=_NOT_PACKED)


def _samples(pack: _Pack, store: ArtifactStore, query: SampleQuery) -> Samples:
    parameters, result, outputs = _parameters(pack.step), pack.step.result, pack.step.outputs
    assert isinstance(result, PackResult)
    assert outputs is not None
    counts = {"train": result.train_counts, "validation": result.validation_counts}
    if result.test_counts is not None and pack.has_ended:
        counts["test"] = result.test_counts
    splits = tuple(split for split in ("train", "validation", "test") if split in counts)
    if query.split not in splits:
        raise invalid("split", query.split, "can't be shown", ", ".join(splits))
    if f"{query.split}_labels" not in outputs:
        summary = dataset_summary(parameters.dataset, result)
        return Samples(job=pack.job, dataset=summary, split=query.split, splits=splits, note=_NOT_IMPORTED)
    listing = {"of": pack.step.key, "split": query.split, "class": query.class_name}
    start = 0 if query.page_token is None else read_page_token(query.page_token, int, **listing)
    labels = read_labels(store, outputs[f"{query.split}_labels"].sha256, sum(counts[query.split]))
    total, members = _members(labels, result.classes, query.class_name)
    stop = start + query.page_size
    return Samples(
        job=pack.job,
        dataset=dataset_summary(parameters.dataset, result),
        warnings=tuple(dataset_warnings(result, parameters.dataset.image_size)),
        note=_HELD_BACK if result.test_counts is not None and not pack.has_ended else None,
        split=query.split,
        splits=splits,
        images_sha256=outputs[f"{query.split}_images"].sha256,
        total=total,
        images=tuple(SampleImage(index=index, label=labels[index]) for index in islice(members, start, stop)),
        next_page_token=write_page_token(str(stop), **listing) if stop < total else None,
    )


def _members(labels: "array[int]", classes: Sequence[str], class_name: str | None) -> tuple[int, Iterator[int]]:
    """Return the number of images of a class and their rows; without a class those of all classes in turn.

    In turn, because packs are in the order of the classes: a page would show one class.
    """
    rows = [array("q") for _ in classes]
    for index, each in enumerate(labels):
        rows[each].append(index)
    label = class_index(classes, "class_name", class_name)
    if label is None:
        rounds = zip_longest(*rows)
        return len(labels), (index for each in rounds for index in each if index is not None)
    members = rows[label]
    return len(members), iter(members)


def _packs() -> Select[StepRow]:
    return (
        select(StepRow)
        .join(PipelineStepRow, PipelineStepRow.step_key == StepRow.key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .where(StepRow.kind == "pack", StepRow.state == "succeeded")
    )


def _parameters(row: StepRow) -> PackStep:
    assert isinstance(row.parameters, PackStep)
    return row.parameters
