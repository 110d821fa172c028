"""The unit of scheduling: one piece of work with fixed parameters and inputs, identified by a key.

A step's key is the SHA-256 of everything that its output depends on: its parameters, the keys of its input steps (and
so, down to the data set's fingerprint, everything that those depend on), and the version of the code. Seeds are
parameters. Steps with equal keys are one step, within a job and across the jobs of a server.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from edgepress_common.frozen import Frozen, Message, added_field
from edgepress_common.latency_table import LatencyTable
from edgepress_common.spec.dataset_kinds import DATASET_KINDS, Dataset
from edgepress_common.spec.exports import EXPORTS, Export
from edgepress_common.spec.methods import METHODS, Stage
from edgepress_common.spec.model import Network
from edgepress_common.spec.training import Training

StepKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
StepKind = Literal["pack", "stage", "export", "evaluation"]
Role = Literal["pack", "model", "teacher", "teacher_2", "teacher_3", "teacher_4", "teacher_5"]  # purpose of an input
TEACHERS: tuple[Role, ...] = ("teacher", "teacher_2", "teacher_3", "teacher_4", "teacher_5")

# Increase a version when the code returns another output for the same input: earlier results are then not reused.
# To do so for one method, export or data set kind, increase the `code_version` of its declaration.
CODE_VERSIONS: dict[StepKind, int] = {"pack": 1, "stage": 2, "export": 4, "evaluation": 1}


class PackStep(Frozen):
    """Pack a data set to uint8 arrays.

    Attributes:
        fingerprint: Digest of the data set's content when the job was accepted. A changed folder is another data set.
    """

    kind: Literal["pack"] = "pack"
    dataset: Dataset
    fingerprint: str


class StageStep(Frozen):
    """Run one stage.

    Attributes:
        stage: The stage with explicit options, without settings that the other attributes state.
        model: The effective network: the stage's own, else that of the stage before, else the job's.
        training: The effective training settings: the stage's own, else the job's.
        latency: The latency model that a stage with a latency as its target decides by; None for others. As a
            parameter, it is a part of the step's key.
    """

    kind: Literal["stage"] = "stage"
    stage: Stage
    model: Network
    training: Training
    latency: LatencyTable | None = added_field(None)


class ExportStep(Frozen):
    """Write a .tflite file.

    Attributes:
        seed: Seed for choosing the representative images.
        uploaded_code: The export's ``uploaded_code_version`` if the network is an uploaded model, else 1.
    """

    kind: Literal["export"] = "export"
    export: Export
    seed: int
    uploaded_code: int = added_field(1)


class EvaluationStep(Message):
    """Measure a .tflite file on a device. ``device`` is a name or ``any``.

    Attributes:
        images: Number of images of each split that are classified, the first ones; None for all.
    """

    kind: Literal["evaluation"] = "evaluation"
    device: str
    threads: tuple[int, ...]
    warmup_runs: int
    runs: int
    full_pass: bool
    energy: bool = added_field(default=False)
    images: int | None = added_field(None)


StepParameters = Annotated[PackStep | StageStep | ExportStep | EvaluationStep, Field(discriminator="kind")]


class Step(Message):
    """A step and its inputs.

    Attributes:
        key: Key of the step, see above.
        title: Display name: ``train``, ``int8``, ``int8 on pi4``.
        parameters: Parameters of the step.
        inputs: Keys of the input steps, by role.
    """

    key: StepKey
    title: str
    parameters: StepParameters
    inputs: dict[Role, StepKey] = Field(default_factory=dict)

    @property
    def kind(self) -> StepKind:
        """Kind of work."""
        return self.parameters.kind


def make_step(title: str, parameters: StepParameters, inputs: dict[Role, StepKey] | None = None) -> Step:
    """Return the step with the key that follows from its parameters and inputs."""
    inputs = inputs or {}
    key = _key(parameters, inputs, _keyed_version(*code_versions(parameters)))
    return Step(key=key, title=title, parameters=parameters, inputs=inputs)


def find_code_versions(
    key: StepKey, parameters: StepParameters, inputs: Mapping[Role, StepKey]
) -> tuple[int, int] | None:
    """Return the versions of the code, see `code_versions`, that a step was planned with.

    They are part of the key, so a step of an earlier release has the versions of that release.

    Returns:
        None if the key does not follow from the parameters with any version: a later release has planned the step.
    """
    general, own = code_versions(parameters)
    for versions in itertools.product(range(general, 0, -1), range(own, 0, -1)):
        if _key(parameters, inputs, _keyed_version(*versions)) == key:
            return versions
    return None


def code_versions(parameters: StepParameters) -> tuple[int, int]:
    """Return the version of the code for the kind of step, and that of the declaration that the step is of."""
    match parameters:
        case PackStep():  # the declarations of data sets have the only version
            return DATASET_KINDS[parameters.dataset.kind].code_version, 1
        case StageStep():
            own = METHODS[parameters.stage.kind].code_version
        case ExportStep():
            own = EXPORTS[parameters.export.kind].code_version
        case EvaluationStep():
            own = 1
    return CODE_VERSIONS[parameters.kind], own


def _key(parameters: StepParameters, inputs: Mapping[Role, StepKey], code: int | list[int]) -> StepKey:
    content = {"parameters": _keyed(parameters), "inputs": dict(sorted(inputs.items())), "code": code}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _keyed(parameters: StepParameters) -> dict[str, Any]:
    """Return the parameters that the key depends on.

    The path of a data set is excluded, because it has a fingerprint, and the names of teachers, which are inputs.
    """
    content = parameters.model_dump(mode="json")
    match parameters:
        case PackStep():
            content["dataset"].pop("path", None)
        case StageStep():
            content["stage"].pop("teacher", None)
        case _:
            pass
    return content


def _keyed_version(general: int, own: int) -> int | list[int]:
    return general if own == 1 else [general, own]
