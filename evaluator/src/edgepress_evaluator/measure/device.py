"""The device that measures: a machine and its name at the gateway."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.measure.calibration import Ceilings
from edgepress_evaluator.measure.machine import Machine
from edgepress_evaluator.measure.throttling import read_flags


@dataclass(frozen=True)
class Device:
    """The device that measures.

    Attributes:
        name: Name at the gateway.
        machine: The machine.
        python_command: Command that starts Python, for measurements in a separate process.
        read_throttling: Function that returns the flags of `edgepress_evaluator.measure.throttling`, or None.
        ceilings: Function that returns what the processor can do with a number of threads, or None.
        power_sensor: Sensor of energy, see `edgepress_evaluator.measure.power_sensors.find_sensor`.
    """

    name: str
    machine: Machine = field(default_factory=Machine)
    python_command: Sequence[str] = (sys.executable,)
    read_throttling: Callable[[], int | None] = read_flags
    ceilings: Callable[[int, ShouldStop], Ceilings | None] = lambda _threads, _should_stop: None
    power_sensor: str = "auto"
