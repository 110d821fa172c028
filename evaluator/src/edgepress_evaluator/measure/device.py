"""What measures: a machine, and the name the gateway knows it by."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edgepress_evaluator.measure.machine import Machine
from edgepress_evaluator.measure.throttling import read_flags


@dataclass(frozen=True)
class Device:
    """What measures.

    Attributes:
        name: As the gateway knows it.
        machine: What it is.
        python_command: Starts Python, for what is measured in a process of its own.
        read_throttling: Gives the flags described in `edgepress_evaluator.measure.throttling`, or None.
    """

    name: str
    machine: Machine = field(default_factory=Machine)
    python_command: Sequence[str] = (sys.executable,)
    read_throttling: Callable[[], int | None] = read_flags
