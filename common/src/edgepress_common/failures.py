"""The failure codes: every reason for which a step fails, in one table.

Worker, evaluator and API fill in failures from this table, and docs/using.md shows it; a test compares the page with
it. A worker or evaluator of another version may report a code that is not in the table: the server stores and shows the
code unchanged.
"""

from dataclasses import dataclass
from typing import Literal, get_args

FailureCode = Literal[
    "invalid_input",
    "unreadable_dataset",
    "diverged",
    "conversion_failed",
    "broken_promise",
    "failed",
    "time_limit",
    "input_failed",
    "cancelled",
    "artifact_missing",
    "artifact_corrupt",
    "unavailable",
    "out_of_memory",
    "disk_full",
    "crashed",
    "killed",
    "lease_expired",
    "device_offline",
    "implausible_result",
    "unsupported",
    "internal",
]


@dataclass(frozen=True)
class FailureKind:
    """The meaning of a failure code.

    Attributes:
        meaning: What happened, as a clause without a full stop.
        retryable: Whether another attempt may succeed; the scheduler then retries the step.
        advice: What the user can do, as a sentence.
    """

    meaning: str
    retryable: bool
    advice: str


FAILURES: dict[FailureCode, FailureKind] = {
    "invalid_input": FailureKind(
        "the spec asks for something that is not possible with these images or this network",
        retryable=False,
        advice="Change the spec as the message says.",
    ),
    "unreadable_dataset": FailureKind(
        "too few images of the data set could be read",
        retryable=False,
        advice="Replace the files that the message names.",
    ),
    "diverged": FailureKind(
        "the training loss became NaN or infinite",
        retryable=False,
        advice="Use the lower learning rate that the message names.",
    ),
    "conversion_failed": FailureKind(
        "TensorFlow cannot write the network in this format",
        retryable=False,
        advice="Ask for another export.",
    ),
    "broken_promise": FailureKind(
        "the file does not have a property that a stage or the export promised",
        retryable=False,
        advice="Follow the message; if it names no setting, report it as a bug.",
    ),
    "failed": FailureKind(
        "the step failed",
        retryable=False,
        advice="Read the message and the log.",
    ),
    "time_limit": FailureKind(
        "the attempt took longer than the time limit of the spec or the server",
        retryable=False,
        advice="Raise `limits.step_hours`, or use fewer epochs or a smaller network.",
    ),
    "input_failed": FailureKind(
        "a step that this step needs failed; its message is repeated",
        retryable=False,
        advice="Fix the step that the message names, then retry the job.",
    ),
    "cancelled": FailureKind(
        "the worker or evaluator was told to stop this attempt",
        retryable=True,
        advice="Nothing to do: a step that a job still needs is scheduled again.",
    ),
    "artifact_missing": FailureKind(
        "an input of the step is not in the artifact store",
        retryable=True,
        advice="Check that gateway and workers use the same artifact store, then post the job again.",
    ),
    "artifact_corrupt": FailureKind(
        "the bytes of an input do not match its SHA-256",
        retryable=True,
        advice="Check the disk or the network; delete the artifact that the message names, then post the job again.",
    ),
    "unavailable": FailureKind(
        "an external service did not answer: a download, the artifact store or the gateway",
        retryable=True,
        advice="Retry the job when the service answers.",
    ),
    "out_of_memory": FailureKind(
        "the process ran out of memory",
        retryable=True,
        advice="Use a smaller batch_size or image_size, or give the process more memory.",
    ),
    "disk_full": FailureKind(
        "no space is left on the disk of the worker or evaluator",
        retryable=True,
        advice="Free space on that disk, then retry the job.",
    ),
    "crashed": FailureKind(
        "a child process of the worker or evaluator ended unexpectedly",
        retryable=True,
        advice="Read the message for its exit code; report it as a bug if it happens again.",
    ),
    "killed": FailureKind(
        "the process that ran the step was killed, mostly because the system ran out of memory",
        retryable=True,
        advice="Use a smaller batch_size or image_size, or give the worker more memory.",
    ),
    "lease_expired": FailureKind(
        "the worker or device missed its heartbeats for the length of a lease",
        retryable=True,
        advice="Check whether it was stopped or lost its connection.",
    ),
    "device_offline": FailureKind(
        "the device of the evaluation stayed offline too long",
        retryable=True,
        advice="Start the evaluator, then retry the job.",
    ),
    "implausible_result": FailureKind(
        "the device reported figures that are impossible or contradict one another",
        retryable=False,
        advice="Discard the result with `DELETE /v1/steps/{key}/result`: the file is then measured again.",
    ),
    "unsupported": FailureKind(
        "the worker, evaluator or server is older than the sender of a message and does not know a setting in it",
        retryable=True,
        advice="Upgrade the program that the message names.",
    ),
    "internal": FailureKind(
        "an unexpected error",
        retryable=True,
        advice="Report it as a bug, with the log.",
    ),
}

FAILURE_CODES: tuple[FailureCode, ...] = get_args(FailureCode)
