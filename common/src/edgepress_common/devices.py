"""Messages between the gateway and an evaluator, over HTTP.

The device makes all requests, because it may be behind a router that blocks incoming connections:

1. ``POST /v1/devices/{name}/lease?wait_seconds=20`` with its `Announcement`: returns an `EvaluationLease`, or 204 if no
   evaluation became available within ``wait_seconds``. The header ``Lease-Request`` names the request: a device that
   got no answer repeats it under the same name, and gets the lease that it was given. A device that is stopped sends
   ``DELETE /v1/devices/{name}/lease-requests/{request}``: what was leased for the request is given back, and has not
   failed. A gateway of an earlier release ignores the header and returns 404 for the path.
2. ``POST /v1/devices/{name}/leases/{step_key}/{attempt}/renew`` with a `Progress`, well before ``lease_seconds``
   have passed: returns 204, or 409 if the lease is lost (it expired, or the job was cancelled). After 409, stop the
   evaluation and go to 1.
3. ``.../finish`` with an `EvaluationResult`, or ``.../fail`` with a `StepFailure`: returns 204, or 409 as above. Both
   are idempotent.

Models and packs are downloaded from ``GET /v1/artifacts/{sha256}``.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from edgepress_common.artifacts import ArtifactRef
from edgepress_common.frozen import Message, added_field
from edgepress_common.machine import MachineId
from edgepress_common.messages import AttemptName
from edgepress_common.spec.evaluation import DeviceSelector
from edgepress_common.steps import EvaluationStep
from edgepress_common.text import HarmlessText

LEASE_REQUEST_HEADER = "Lease-Request"
DeviceName = DeviceSelector
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class Announcement(Message):
    """Properties that a device reports with each lease request.

    Attributes:
        labels: Labels by which a job can select the device, such as ``rpi4`` or ``arm64``.
        board: Model of the board, if known.
        cpu: Name of the processor.
        machine: Architecture, such as ``aarch64``.
        cores: Number of logical processors.
        memory_bytes: Memory of the machine in bytes.
        runtime: Name and version of the interpreter.
        emulated: Whether it imitates another processor than the machine has.
        shares_cpu: Whether workers may run on the same processors: those of its machine then rest while it measures.
        temperature_c: Temperature of the processor at the request, in degrees Celsius; None without a readable sensor.
        identity: 32 random hex digits that the device keeps when its name changes; None from an older evaluator.
        measures_test: Whether it measures the test split; false for an older evaluator, whose lease does not have it.
        decodes: Whether it restores a .tflite file from its coded file; false for an older evaluator.
        machine_id: The machine that it runs on, see `edgepress_common.machine`. None if unknown: all workers then rest
            while a device measures that shares its processors.
        problem: Why the device can't measure at the moment, such as a full disk: it then gets no evaluations. None if
            it can.
    """

    labels: tuple[Label, ...] = ()
    board: HarmlessText | None = None
    cpu: HarmlessText | None = None
    machine: HarmlessText
    cores: int = Field(ge=1)
    memory_bytes: int = Field(ge=0)
    runtime: HarmlessText
    emulated: bool = False
    shares_cpu: bool = False
    temperature_c: float | None = None
    identity: str | None = added_field(default=None, pattern="^[0-9a-f]{32}$")
    measures_test: bool = added_field(default=False)
    decodes: bool = added_field(default=False)
    machine_id: MachineId | None = added_field(default=None)
    problem: HarmlessText | None = added_field(default=None)

    def is_same_hardware(self, other: "Announcement") -> bool:
        """Return whether another announcement is of the same kind of machine: its board, processor and architecture."""
        return (self.board, self.cpu, self.machine) == (other.board, other.cpu, other.machine)


class EvaluationLease(AttemptName):
    """An evaluation that is leased to a device. ``step_key`` and ``attempt`` identify the lease.

    Attributes:
        step_key: Key of the step.
        attempt: Number of the attempt, from 1.
        lease_seconds: Time until the lease expires if it is not renewed.
        parameters: Parameters of the measurement.
        model: The .tflite file.
        images: .npy file, uint8 ``(n, side, side, 3)``.
        labels: .npy file, int64 ``(n,)``.
        classes: Class names, in the order of the labels.
        test_images: The images of the test split, like ``images``; None if the data set has no test split,
            or if the device does not measure it.
        test_labels: The labels of the test split, like ``labels``; None as above.
        coded: Coded files, by the SHA-256 of the file that each restores: the model, and images. Empty if the device
            does not decode.
    """

    lease_seconds: float
    parameters: EvaluationStep
    model: ArtifactRef
    images: ArtifactRef
    labels: ArtifactRef
    classes: tuple[str, ...]
    test_images: ArtifactRef | None = added_field(None)
    test_labels: ArtifactRef | None = added_field(None)
    coded: dict[str, ArtifactRef] = added_field({})

    @property
    def artifacts(self) -> tuple[ArtifactRef, ...]:
        """Files to download: model, images and labels, then the images and labels of the test split if there is one."""
        test = () if self.test_images is None or self.test_labels is None else (self.test_images, self.test_labels)
        return (self.model, self.images, self.labels, *test)
