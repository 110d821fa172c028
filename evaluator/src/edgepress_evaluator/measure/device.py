"""The device that measures: a machine and its name at the gateway."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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
    """

    name: str
    machine: Machine = field(default_factory=Machine)
    python_command: Sequence[str] = (sys.executable,)
    read_throttling: Callable[[], int | None] = read_flags
