"""The announcement of this device: what it reports about itself to the gateway."""

import re
from collections.abc import Iterator, Sequence

from edgepress_common.devices import Announcement, Label
from edgepress_evaluator.measure.interpreter import RUNTIME
from edgepress_evaluator.measure.machine import Machine, usable_cores

_ARCHITECTURE_LABELS = {"aarch64": "arm64"}  # common names that differ from the kernel's
_RASPBERRY_PI = re.compile(r"Raspberry Pi (Compute Module |Zero |)(\d)")
_RASPBERRY_PI_KINDS = {"": "rpi", "Compute Module ": "rpicm", "Zero ": "rpizero"}


def announce(
    machine: Machine, labels: Sequence[Label], *, shares_cpu: bool, identity: str, machine_id: str | None
) -> Announcement:
    """The announcement: what the machine tells, the labels given, and those that follow from the machine.

    Args:
        machine: The machine that the evaluator runs on.
        labels: Labels from the settings.
        shares_cpu: Whether workers may run on the same processors.
        identity: See `edgepress_evaluator.identity`.
        machine_id: See `edgepress_common.machine`.
    """
    return Announcement(
        labels=tuple(dict.fromkeys([*labels, *automatic_labels(machine)])),
        board=machine.board,
        cpu=machine.cpu,
        machine=machine.architecture,
        cores=usable_cores(),
        memory_bytes=machine.memory_bytes,
        runtime=RUNTIME,
        emulated=machine.emulated,
        shares_cpu=shares_cpu,
        identity=identity,
        measures_test=True,
        decodes=True,
        machine_id=machine_id,
    )


def automatic_labels(machine: Machine) -> Iterator[Label]:
    """Yield the labels that apply, such as ``arm64``, ``x86_64``, ``rpi4``, ``rpicm4``, ``rpizero2``, ``emulated``."""
    yield _ARCHITECTURE_LABELS.get(machine.architecture, machine.architecture)
    if match := _RASPBERRY_PI.match(machine.board or ""):
        kind, generation = match.groups()
        yield f"{_RASPBERRY_PI_KINDS[kind]}{generation}"
    if machine.emulated:
        yield "emulated"
