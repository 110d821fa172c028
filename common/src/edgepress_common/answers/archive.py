"""A job that has ended, as the archive that another server imports: the file ``job.json`` of a zip.

The zip has the files that the steps name as outputs next to it, as ``artifacts/<SHA-256>``: of each export the .tflite
file and its coded file; on request, of each data set its arrays. It has no Keras models.
"""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from edgepress_common.artifacts.reference import Sha256
from edgepress_common.frozen import Message
from edgepress_common.messages import Outputs, StepFailure
from edgepress_common.results import PackResult, StepResult
from edgepress_common.spec import JobSpec
from edgepress_common.steps import Role, StepKey, StepKind, StepParameters
from edgepress_common.text import HarmlessText
from edgepress_common.trial import Trial

JOB_JSON, ARTIFACTS = "job.json", "artifacts/"
FORMAT, FORMAT_VERSION = "edgepress-job", 1
MOST_ARCHIVE_BYTES = (1 << 32) - (1 << 20)
"""Size of the largest archive: a larger zip needs records that readers must not trust."""

KEPT_OUTPUTS: dict[StepKind, tuple[str, ...]] = {
    "export": ("tflite", "coded"),
    "pack": tuple(
        f"{split}_{part}" for split in ("train", "validation", "test") for part in ("images", "labels", "images_coded")
    ),
}
"""Outputs of steps that an archive can have."""

_Name = Annotated[HarmlessText, StringConstraints(min_length=1, max_length=200)]
_PipelineName = Annotated[HarmlessText, StringConstraints(min_length=1, max_length=64)]
_Words = Annotated[HarmlessText, StringConstraints(max_length=10_000)]
_FinalState = Literal["succeeded", "partly_succeeded", "failed", "cancelled"]


class ArchivedStep(Message):
    """A step that has ended.

    Attributes:
        key: Key of the step on the server that ran it.
        ran_by: Worker or device that ran it; None if not known.
        outputs: Artifacts by name; only those that the archive has.
    """

    key: StepKey
    title: _Name
    parameters: StepParameters
    inputs: dict[Role, StepKey]
    state: Literal["succeeded", "failed", "cancelled"]
    ran_by: Annotated[HarmlessText, StringConstraints(max_length=255)] | None
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    outputs: Outputs
    result: StepResult | None
    failure: StepFailure | None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        kind = self.parameters.kind
        if (self.result is not None) != (self.state == "succeeded"):
            raise ValueError(
                f"the step {self.title!r} is {self.state}; accepted: a result if it succeeded, and only then"
            )
        if self.result is not None and self.result.kind != kind:
            raise ValueError(f"the step {self.title!r} is of kind {kind} and has a result of {self.result.kind}")
        if (self.failure is not None) != (self.state == "failed"):
            raise ValueError(
                f"the step {self.title!r} is {self.state}; accepted: a failure if it failed, and only then"
            )
        if unknown := self.outputs.keys() - set(KEPT_OUTPUTS.get(kind, ())):
            raise ValueError(f"the step {self.title!r} has the output {min(unknown)!r}, which an archive can't have")
        if kind == "export" and self.state == "succeeded" and "tflite" not in self.outputs:
            raise ValueError(f"the export {self.title!r} succeeded; accepted: with its output 'tflite'")
        if isinstance(self.result, PackResult):
            _check_pack(self.result, self.title)
        _check_order(self.started_at, self.finished_at, f"the step {self.title!r}")
        return self


class ArchivedPipeline(Message):
    """A pipeline that has ended, and the keys of its steps in an order in which they can run."""

    name: _PipelineName
    state: _FinalState
    trial: Trial | None
    steps: tuple[StepKey, ...] = Field(min_length=1)


class ArchivedJob(Message):
    """A job that has ended.

    Attributes:
        edgepress: Version of Edgepress that made the archive.
        server: Address of the server that ran the job.
        exported_at: When the archive was made.
        devices: Names of the devices that the spec's selectors matched.
        steps: All its steps; the inputs of a step come before it.
    """

    format: Literal["edgepress-job"]
    version: Literal[1]
    edgepress: _Name
    server: _Name
    exported_at: AwareDatetime
    job_id: _Name
    name: _Name
    state: _FinalState
    created_at: AwareDatetime
    finished_at: AwareDatetime
    error: _Words | None
    fingerprint: _Name | None
    devices: tuple[_PipelineName, ...] | None
    spec: JobSpec
    pipelines: tuple[ArchivedPipeline, ...] = Field(max_length=2_000)
    steps: tuple[ArchivedStep, ...] = Field(max_length=10_000)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_order(self.created_at, self.finished_at, "the job")
        kinds: dict[StepKey, StepKind] = {}
        for step in self.steps:
            if step.key in kinds:
                raise ValueError(f"the step {step.key} is in the archive twice; accepted: once")
            for role, key in step.inputs.items():
                if key not in kinds:
                    raise ValueError(
                        f"the input {role} of {step.title!r} is the step {key}, which does not come before it"
                    )
            needed = {role: kinds[key] for role, key in step.inputs.items()}
            kind = step.parameters.kind
            if kind != "pack" and needed.get("pack") != "pack":
                raise ValueError(f"the step {step.title!r} needs the input 'pack', the step of a data set")
            if kind in {"export", "evaluation"} and needed.get("model") != ("stage" if kind == "export" else "export"):
                raise ValueError(f"the step {step.title!r} needs the input 'model', which is of another kind")
            kinds[step.key] = kind
        names = [pipeline.name for pipeline in self.pipelines]
        if len(set(names)) < len(names):
            raise ValueError("two pipelines have the same name; accepted: each name once")
        used = {key for pipeline in self.pipelines for key in pipeline.steps}
        if used != kinds.keys():
            raise ValueError("the steps of the pipelines are not the steps of the job; accepted: the same steps")
        if any(len(set(pipeline.steps)) < len(pipeline.steps) for pipeline in self.pipelines):
            raise ValueError("a pipeline has a step twice; accepted: once")
        return self

    def sizes(self) -> dict[Sha256, int]:
        """Return the size in bytes of each artifact that the archive has."""
        return {ref.sha256: ref.size_bytes for step in self.steps for ref in step.outputs.values()}


def _check_pack(pack: PackResult, title: str) -> None:
    counts = [pack.train_counts, pack.validation_counts, *([] if pack.test_counts is None else [pack.test_counts])]
    if not pack.classes or any(len(each) != len(pack.classes) or min(each) < 0 for each in counts):
        raise ValueError(
            f"the step {title!r} has {len(pack.classes)} classes and other numbers of counts, or counts below 0; "
            "accepted: a count of 0 or more for each class in each split"
        )


def _check_order(start: AwareDatetime | None, end: AwareDatetime | None, what: str) -> None:
    if start is not None and end is not None and end - start < timedelta():
        raise ValueError(
            f"{what} ends at {end} and begins at {start}; accepted: an end that is not before the beginning"
        )
