"""What travels between the gateway and an evaluator, over HTTP.

The device asks, since it may stand behind somebody's router:

1. ``POST /v1/devices/{name}/lease?wait_seconds=20`` with its `Announcement`: answers an `EvaluationLease`, or 204 when
   there was nothing to do for so long.
2. ``POST /v1/devices/{name}/leases/{step_key}/{attempt}/renew`` with a `Progress`, well before ``lease_seconds``
   are over: 204, or 409 once the lease is lost (it expired, or the job was cancelled): stop, and go to 1.
3. ``.../finish`` with an `EvaluationResult`, or ``.../fail`` with a `StepFailure`: 204, or 409 as above. Sent twice,
   the second changes nothing.

Models and packs are fetched from ``GET /v1/artifacts/{sha256}``.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from edgepress_common.artifacts import ArtifactRef
from edgepress_common.frozen import Frozen
from edgepress_common.spec.evaluation import DeviceSelector
from edgepress_common.steps import EvaluationStep, StepKey

DeviceName = DeviceSelector
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class Announcement(Frozen):
    """What a device says of itself whenever it asks for work.

    Attributes:
        labels: What jobs may ask for instead of its name, as in ``rpi4`` or ``arm64``.
        board: The board's model, if it has one.
        cpu: The processor's name.
        machine: Its architecture, as in ``aarch64``.
        cores: Logical processors.
        memory_bytes: Of the machine.
        runtime: Name and version of the interpreter.
        emulated: Whether it imitates another processor than the machine has.
        shares_cpu: Whether workers run on the same processors: nothing else is then started while it measures.
        temperature_c: Of the processor when it asked, in degrees Celsius; None where it has no sensor to read.
    """

    labels: tuple[Label, ...] = ()
    board: str | None = None
    cpu: str | None = None
    machine: str
    cores: int = Field(ge=1)
    memory_bytes: int = Field(ge=0)
    runtime: str
    emulated: bool = False
    shares_cpu: bool = False
    temperature_c: float | None = None


class EvaluationLease(Frozen):
    """An evaluation to do.

    Attributes:
        step_key: Its name.
        attempt: Counted from 1; both name the lease.
        lease_seconds: It is lost after so long without renewal.
        parameters: How to measure.
        model: The .tflite file.
        images: .npy, uint8 ``(n, side, side, 3)``.
        labels: .npy, int64 ``(n,)``.
        classes: Names, in the order of the labels.
    """

    step_key: StepKey
    attempt: int
    lease_seconds: float
    parameters: EvaluationStep
    model: ArtifactRef
    images: ArtifactRef
    labels: ArtifactRef
    classes: tuple[str, ...]
