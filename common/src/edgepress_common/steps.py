"""The unit that is scheduled: one piece of work with its parameters and inputs fixed, named by a key.

A step's key is the SHA-256 of everything its output depends on: what is to be done, the keys of the steps it takes its
inputs from (and so, down to the data set's fingerprint, everything those depend on), and the version of the code that
does it. Seeds are parameters. Equal keys are one step, within a job and across the jobs of a server.
"""

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from edgepress_common.frozen import Frozen
from edgepress_common.spec.dataset import Dataset
from edgepress_common.spec.exports import Export
from edgepress_common.spec.model import Network
from edgepress_common.spec.stages import Stage
from edgepress_common.spec.training import Training

StepKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
StepKind = Literal["pack", "stage", "export", "evaluation"]
Role = Literal["pack", "model", "teacher"]  # what an input is to the step that takes it

# Raise one when the code behind it comes to give another output for the same input: nothing old is then reused.
CODE_VERSIONS: dict[StepKind, int] = {"pack": 1, "stage": 2, "export": 3, "evaluation": 1}


class PackStep(Frozen):
    """Pack a data set to uint8 arrays.

    Attributes:
        fingerprint: Digest of what the set held when the job was accepted: a folder that changes is another set.
    """

    kind: Literal["pack"] = "pack"
    dataset: Dataset
    fingerprint: str


class StageStep(Frozen):
    """Run one stage.

    Attributes:
        stage: With what it keeps said outright, and without what is written out beside it.
        model: The network it gives: the stage's own, else the one before it, else the job's.
        training: In force: the stage's own settings, else the job's.
    """

    kind: Literal["stage"] = "stage"
    stage: Stage
    model: Network
    training: Training


class ExportStep(Frozen):
    """Write a .tflite file.

    Attributes:
        seed: Draws the representative images.
    """

    kind: Literal["export"] = "export"
    export: Export
    seed: int


class EvaluationStep(Frozen):
    """Measure a .tflite on a device. ``device`` is a name, or ``any``."""

    kind: Literal["evaluation"] = "evaluation"
    device: str
    threads: tuple[int, ...]
    warmup_runs: int
    runs: int
    full_pass: bool


StepParameters = Annotated[PackStep | StageStep | ExportStep | EvaluationStep, Field(discriminator="kind")]


class Step(Frozen):
    """A step, and where its inputs come from.

    Attributes:
        key: Its name, see above.
        title: For people: ``train``, ``int8``, ``int8 on pi4``.
        parameters: What is to be done.
        inputs: The steps whose outputs it takes, by role.
    """

    key: StepKey
    title: str
    parameters: StepParameters
    inputs: dict[Role, StepKey] = Field(default_factory=dict)

    @property
    def kind(self) -> StepKind:
        """What kind of work it is."""
        return self.parameters.kind


def make_step(title: str, parameters: StepParameters, inputs: dict[Role, StepKey] | None = None) -> Step:
    """A step with the key that follows from its parameters and inputs."""
    inputs = inputs or {}
    content = {
        "parameters": parameters.model_dump(mode="json"),
        "inputs": dict(sorted(inputs.items())),
        "code": CODE_VERSIONS[parameters.kind],
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return Step(key=hashlib.sha256(canonical.encode()).hexdigest(), title=title, parameters=parameters, inputs=inputs)
