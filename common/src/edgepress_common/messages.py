"""The messages between the scheduler and the workers: JSON, validated by the receiver.

1. The scheduler sends `RunStep` as a Celery task, by name, to the queue for the step's kind. The message contains
   everything that the worker needs, because a worker has no access to the database.
2. The worker sends `WorkerEvent` to a Redis stream: started, progress (which renews the lease), then finished,
   failed, or returned.
3. While it takes steps, the worker keeps a `LiveWorker` in Redis. The scheduler reads it while workers of some machine
   rest because a device of that machine measures: it then sends steps to the queue of another machine.

Each message names the step and the attempt. A message of an earlier attempt has no effect. Scheduler and worker may be
of neighbouring versions: see `edgepress_common.frozen`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field

from edgepress_common.artifacts import ArtifactRef
from edgepress_common.failures import FAILURE_CODES, FAILURES, FailureCode
from edgepress_common.frozen import Message, added_field
from edgepress_common.machine import MachineId
from edgepress_common.results import StepResult
from edgepress_common.steps import Role, StepKey, StepKind, StepParameters
from edgepress_common.text import HarmlessText

RUN_STEP_TASK = "edgepress.run_step"
EVENT_STREAM = "edgepress:events"
EVENT_FIELD = "event"

Queue = Literal["train", "convert"]

# Workers run all kinds but evaluations, which devices run.
QUEUES: dict[StepKind, Queue] = {"pack": "convert", "stage": "train", "export": "convert"}

LIVE_WORKERS = "edgepress:workers"
"""The Redis set of the names of live workers; it may contain names of workers that have ended."""

Outputs = dict[str, ArtifactRef]
"""Artifacts of a step by name. pack: ``train_images`` ``train_labels`` ``validation_images`` ``validation_labels``
and, with a test split, ``test_images`` ``test_labels`` (each .npy, uint8 ``(n, side, side, 3)`` and int64 ``(n,)``);
``validation_images_coded`` and ``test_images_coded`` restore these images, if that is smaller; stage: ``model`` (.h5),
and, of a training with augmentation, ``augmented_samples`` (.npy, as images of a pack); export: ``tflite`` and
``coded``, which restores it; evaluation: none."""


def claim_key(step_key: str) -> str:
    """Return the Redis key by which a worker claims a step; its value is the attempt."""
    return f"edgepress:claim:{step_key}"


def cancel_key(step_key: str, attempt: int) -> str:
    """Return the Redis key whose existence tells the worker to stop an attempt."""
    return f"edgepress:cancel:{step_key}:{attempt}"


def live_worker_key(name: str) -> str:
    """Return the Redis key of a `LiveWorker`, which expires soon after the worker has ended."""
    return f"edgepress:worker:{name}"


def queue_name(queue: Queue, machine_id: str | None) -> str:
    """Return the name of the queue that the workers of a machine process; None for the queue that all process."""
    return queue if machine_id is None else f"{queue}.{machine_id}"


class LiveWorker(Message):
    """A worker that takes steps.

    Attributes:
        machine_id: The machine that it runs on; see `edgepress_common.machine`.
        queues: The queues that it processes, those of all workers and those of its machine.
    """

    machine_id: MachineId
    queues: tuple[str, ...]


class AttemptName(Message):
    """The fields of every message to and from a worker, readable even if the rest is unknown."""

    step_key: StepKey
    attempt: int = Field(ge=1)


class RunStep(AttemptName):
    """The request to run a step.

    Attributes:
        step_key: Key of the step.
        attempt: Number of the attempt, from 1.
        parameters: Parameters of the step.
        inputs: Input artifacts by role, then by name.
        input_results: Results of the input steps by role. A stage reads the class names from them.
        most_bytes: Maximum size of a pack in bytes, which is what its user may still store; None for no such limit.
        machine_id: The machine whose workers it is sent to; None for all workers.
    """

    parameters: StepParameters
    inputs: dict[Role, Outputs] = Field(default_factory=dict)
    input_results: dict[Role, StepResult] = Field(default_factory=dict)
    most_bytes: int | None = added_field(default=None)
    machine_id: MachineId | None = added_field(default=None)


class Progress(Message):
    """Progress of a step.

    Attributes:
        fraction: Completed fraction, 0 to 1.
        message: Current activity, in a few words.
        epoch: Finished epochs of a training.
        epochs: Total epochs of a training.
        metrics: Latest metrics by name: ``loss``, ``accuracy``, ``val_accuracy``, ...
        seconds_left: Estimated remaining time in seconds; None if unknown.
    """

    fraction: float = Field(ge=0, le=1)
    message: HarmlessText = ""
    epoch: int | None = None
    epochs: int | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    seconds_left: float | None = None


class StepFailure(Message):
    """Why a step failed.

    Attributes:
        code: Code for programs: one of `edgepress_common.failures.FAILURES`, or a code of another version.
        message: Message for people: what went wrong, with which value, and what to do.
        retryable: Whether another attempt may succeed.
        log: The end of the step's log, if there is one.
        artifact: SHA-256 of the input that is missing or damaged, if that is why: it is made again.
    """

    code: str = Field(json_schema_extra={"x-extensible-enum": list(FAILURE_CODES)})
    message: HarmlessText
    retryable: bool
    log: HarmlessText = ""
    artifact: str | None = added_field(default=None)

    @classmethod
    def of(cls, code: FailureCode, message: str, *, log: str = "", artifact: str | None = None) -> Self:
        """Return a failure of a known code, which is retryable if the table says so."""
        return cls(code=code, message=message, retryable=FAILURES[code].retryable, log=log, artifact=artifact)


class _WorkerMessage(AttemptName):
    worker: str


class StepStarted(_WorkerMessage):
    """The worker has started the step, or is still running it without known progress.

    Attributes:
        machine_id: The machine that runs the step; None if the worker does not know it, or has reported it before.
    """

    type: Literal["started"] = "started"
    machine_id: MachineId | None = added_field(default=None)


class StepProgress(_WorkerMessage):
    """The progress of the step. It is also the heartbeat, and is sent every few seconds even without a change."""

    type: Literal["progress"] = "progress"
    progress: Progress


class StepFinished(_WorkerMessage):
    """The step is done; its artifacts are in the store."""

    type: Literal["finished"] = "finished"
    outputs: Outputs
    result: StepResult


class StepFailed(_WorkerMessage):
    """The step failed."""

    type: Literal["failed"] = "failed"
    failure: StepFailure


class StepReturned(_WorkerMessage):
    """The worker is stopping and returns the step unfinished. This does not count as a failure of the step."""

    type: Literal["returned"] = "returned"


WorkerEvent = Annotated[
    StepStarted | StepProgress | StepFinished | StepFailed | StepReturned, Field(discriminator="type")
]
