"""What travels between the scheduler and the workers. JSON only, parsed into these types at either end.

1. The scheduler sends `RunStep` as a Celery task, by name, to the queue of the step's kind. The message says all the
   worker needs: it has no database.
2. The worker answers with `WorkerEvent` on a Redis stream: started, progress (which renews the lease), then finished,
   failed, or returned.

Each names the step and the attempt. A message of an attempt that is no longer the step's changes nothing.
"""

from typing import Annotated, Literal

from pydantic import Field

from edgepress_common.artifacts import ArtifactRef
from edgepress_common.frozen import Frozen
from edgepress_common.results import StepResult
from edgepress_common.steps import Role, StepKey, StepKind, StepParameters

RUN_STEP_TASK = "edgepress.run_step"
EVENT_STREAM = "edgepress:events"
EVENT_FIELD = "event"

# The device evaluates for itself; the rest goes to a worker by queue.
QUEUES: dict[StepKind, Literal["train", "convert"]] = {"pack": "convert", "stage": "train", "export": "convert"}

Outputs = dict[str, ArtifactRef]
"""A step's artifacts by name. pack: ``train_images`` ``train_labels`` ``validation_images`` ``validation_labels``
(each .npy, uint8 ``(n, side, side, 3)`` and int64 ``(n,)``); stage: ``model`` (.h5); export: ``tflite``;
evaluation: none."""


def claim_key(step_key: str) -> str:
    """Redis key by which a worker claims a step; its value is the attempt."""
    return f"edgepress:claim:{step_key}"


def cancel_key(step_key: str, attempt: int) -> str:
    """Redis key that tells the worker of an attempt to stop, by being there."""
    return f"edgepress:cancel:{step_key}:{attempt}"


class RunStep(Frozen):
    """Do this step.

    Attributes:
        step_key: Its name.
        attempt: Counted from 1.
        parameters: What is to be done.
        inputs: Artifacts to do it with, by role, then by the name their step gave them.
        input_results: What those steps found, by role: a stage learns the class names here.
    """

    step_key: StepKey
    attempt: int = Field(ge=1)
    parameters: StepParameters
    inputs: dict[Role, Outputs] = Field(default_factory=dict)
    input_results: dict[Role, StepResult] = Field(default_factory=dict)


class Progress(Frozen):
    """How far a step is.

    Attributes:
        fraction: 0 to 1.
        message: What is going on, in a few words.
        epoch: Epochs done, for a training.
        epochs: Epochs there will be, for a training.
        metrics: Latest figures by name: ``loss``, ``accuracy``, ``val_accuracy``, ...
        seconds_left: An estimate, once there is one.
    """

    fraction: float = Field(ge=0, le=1)
    message: str = ""
    epoch: int | None = None
    epochs: int | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    seconds_left: float | None = None


class StepFailure(Frozen):
    """Why a step could not be done.

    Attributes:
        code: For programs: ``invalid_input``, ``unreadable_dataset``, ``failed``, ``diverged``, ``conversion_failed``,
            ``broken_promise``, ``unavailable``, ``out_of_memory``, ``disk_full``, ``killed``, ``lease_expired``,
            ``input_failed``, ``cancelled``, ``internal``.
        message: For people: what went wrong, with which value, and what can be done.
        retryable: Whether another attempt could go better.
        log: The end of the step's log, if there is one.
    """

    code: str
    message: str
    retryable: bool
    log: str = ""


class _Event(Frozen):
    step_key: StepKey
    attempt: int = Field(ge=1)
    worker: str


class StepStarted(_Event):
    """The worker has begun, or is still at it and can't say how far."""

    type: Literal["started"] = "started"


class StepProgress(_Event):
    """The worker is alive, and this far. Sent every few seconds even when nothing has changed."""

    type: Literal["progress"] = "progress"
    progress: Progress


class StepFinished(_Event):
    """The step is done; its artifacts are in the store."""

    type: Literal["finished"] = "finished"
    outputs: Outputs
    result: StepResult


class StepFailed(_Event):
    """The step could not be done."""

    type: Literal["failed"] = "failed"
    failure: StepFailure


class StepReturned(_Event):
    """The worker is being stopped and gives the step back, through no fault of the step."""

    type: Literal["returned"] = "returned"


WorkerEvent = Annotated[
    StepStarted | StepProgress | StepFinished | StepFailed | StepReturned, Field(discriminator="type")
]
