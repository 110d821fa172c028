"""Selects images by what one or two files of a job answer for them.

1. Find the evaluations of the job, with their files and the pack that each has classified.
2. Of the asked file, take that on the asked device; the other file is one that was measured there with the same images.
3. Select, count by class, and sort the images: see `selecting`.

The test split is shown when the job has ended (decision 22).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from edgepress_api.database import StepRow
from edgepress_api.database.page_tokens import read_page_token, write_page_token
from edgepress_api.images.answers import Answers
from edgepress_api.images.packed import read_labels
from edgepress_api.images.queries import ErrorQuery, invalid
from edgepress_api.images.selecting import Selected
from edgepress_api.report.baselines import find_baselines
from edgepress_api.report.building import read_job
from edgepress_api.report.rows import export_options
from edgepress_api.report.steps import ReportedJob
from edgepress_common.answers.file_errors import FileErrors, MeasuredFile
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import NotFoundError
from edgepress_common.figures.figure import Split
from edgepress_common.results import EvaluationResult, PackResult, SplitResult
from edgepress_common.steps import ExportStep, StepKey

_NOTES: dict[Split, str] = {
    "validation": "",
    "test": "These are images of the test split, which no decision of the job has seen. A person who chooses a file by "
    "them uses the test split up: choose by the validation images.",
}
_NOT_REPORTED = "The evaluator was too old to report what images are taken for: measure the file again to see it."


@dataclass(frozen=True)
class _Measured:
    """A file on a device."""

    file: MeasuredFile
    result: EvaluationResult
    pack: StepKey

    def on(self, split: Split) -> SplitResult | None:
        """Return how it classifies a split; None if it was not measured on it."""
        return self.result if split == "validation" else self.result.test

    def can_be_compared(self, other: "_Measured", split: Split) -> bool:
        """Return whether it is another file that was measured with the same images on the same device."""
        same = self.pack == other.pack and self.result.device == other.result.device
        return same and self.file.model_sha256 != other.file.model_sha256 and self.on(split) is not None


def find_errors(
    session: Session, store: ArtifactStore, job_id: str, model_sha256: str, query: ErrorQuery
) -> FileErrors:
    """Return a page of images by what a file of a job answers for them.

    Args:
        session: The database session.
        store: The artifact store.
        job_id: Id of the job.
        model_sha256: SHA-256 of the file.
        query: Which images to show.

    Raises:
        NotFoundError: The job, a measurement of the file, or an artifact of its pack does not exist.
        InvalidQueryError: The device, the split, the other file, the class or the token does not exist.
    """
    summary, job = read_job(session, job_id)
    measured = [*_all_measured(job)]
    found = _measured_file(measured, job_id, model_sha256, query.device)
    has_ended = summary.state not in ACTIVE_STATES
    splits: tuple[Split, ...] = (
        ("validation", "test") if found.result.test is not None and has_ended else ("validation",)
    )
    if query.split not in splits:
        raise invalid("split", query.split, "can't be shown, or not before the job has ended", ", ".join(splits))
    others = [each for each in measured if each.can_be_compared(found, query.split)]
    other = _other_file(job, others, query)
    pack = session.get_one(StepRow, found.pack)
    return FileErrors(
        file=found.file,
        device=found.result.device,
        devices=tuple({each.result.device: None for each in measured if each.file.model_sha256 == model_sha256}),
        against=None if other is None else other.file,
        others=tuple({each.file.model_sha256: each.file for each in others}.values()),
        splits=splits,
        **_page(found, other, pack, store, query),
    )


def _page(
    found: _Measured, other: _Measured | None, pack: StepRow, store: ArtifactStore, query: ErrorQuery
) -> dict[str, Any]:
    """Return the fields of `FileErrors` that depend on what the files answer."""
    assert isinstance(pack.result, PackResult)
    if pack.outputs is None or f"{query.split}_labels" not in pack.outputs:
        raise NotFoundError("the job was imported without its images; accepted: a job with the images of its pack")
    result = found.on(query.split)
    assert result is not None
    labels = read_labels(store, pack.outputs[f"{query.split}_labels"].sha256, result.images)
    answers = Answers.of(result, labels)
    selected = Selected(answers, None if other is None else Answers.of(other.on(query.split), labels), query)
    by_class = Counter(labels[index] for index in selected.members())
    members = selected.of_classes(pack.result.classes)
    listing = {name: value for name, value in query if not name.startswith("page_")}
    listing |= {"of": [found.pack, found.file.model_sha256, found.result.device]}
    start = 0 if query.page_token is None else read_page_token(query.page_token, int, **listing)
    stop = start + query.page_size
    return {
        "split": query.split,
        "note": " ".join(filter(None, (_NOTES[query.split], "" if answers.is_reported else _NOT_REPORTED))),
        "selection": query.selection,
        "classes": pack.result.classes,
        "confusion": result.confusion,
        "images_sha256": pack.outputs[f"{query.split}_images"].sha256,
        "by_class": tuple(by_class[label] for label in range(len(pack.result.classes))),
        "total": len(members),
        "images": tuple(selected.image(index) for index in members[start:stop]),
        "next_page_token": write_page_token(str(stop), **listing) if stop < len(members) else None,
    }


def _all_measured(job: ReportedJob) -> Iterator[_Measured]:
    for pipeline in job.pipelines:
        by_key = {step.key: step for step in pipeline.steps}
        for step in pipeline.steps:
            if isinstance(step.result, EvaluationResult):
                export = by_key[step.inputs["model"]].parameters
                assert isinstance(export, ExportStep)
                file = MeasuredFile(
                    pipeline=pipeline.name,
                    export=export.export.kind,
                    options=export_options(export, pipeline),
                    model_sha256=step.result.model_sha256,
                )
                yield _Measured(file, step.result, step.inputs["pack"])


def _measured_file(measured: Sequence[_Measured], job_id: str, sha256: str, device: str | None) -> _Measured:
    of_file = [each for each in measured if each.file.model_sha256 == sha256]
    if not of_file:
        raise NotFoundError(f"{job_id} has no measured file {sha256}; accepted: a model_sha256 of its report")
    found = next((each for each in of_file if device in {None, each.result.device}), None)
    if found is None:
        devices = ", ".join(dict.fromkeys(each.result.device for each in of_file))
        raise invalid("device", str(device), "has not measured the file", devices)
    return found


def _other_file(job: ReportedJob, others: Sequence[_Measured], query: ErrorQuery) -> _Measured | None:
    """Return the file to compare with: the asked one, or the float32 file of the network without compression."""
    if query.against is not None:
        found = next((each for each in others if each.file.model_sha256 == query.against), None)
        if found is None:
            accepted = "the SHA-256 of another file with the same images on the same device"
            raise invalid("against", query.against, "is not a file to compare with", accepted)
        return found
    baseline = find_baselines(job).float32_tflite
    names = () if baseline is None else (baseline.pipeline, "float32")
    found = next((each for each in others if (each.file.pipeline, each.file.export) == names), None)
    if found is None and query.selection != "wrong":
        raise invalid("selection", query.selection, "needs another file", "wrong, or a file in against")
    return found
