"""The conditions of a measurement: properties of the machine, and its state during the measurement."""

from edgepress_common.results import Surroundings
from edgepress_evaluator.measure.interpreter import RUNTIME
from edgepress_evaluator.measure.machine import Machine, usable_cores
from edgepress_evaluator.measure.timing import Timing


def surroundings(
    machine: Machine, timing: Timing, delegated_operators: int, no_energy: str | None = None
) -> Surroundings:
    """Return the conditions under which a model was timed.

    Args:
        machine: The machine.
        timing: State of the machine during the measurement.
        delegated_operators: Number of operators that the XNNPACK delegate runs.
        no_energy: Why the energy was not measured although it was asked for.
    """
    return Surroundings(
        board=machine.board,
        cpu=machine.cpu,
        machine=machine.architecture,
        cores=usable_cores(),
        memory_bytes=machine.memory_bytes,
        kernel=machine.kernel,
        governor=machine.governor,
        emulated=machine.emulated,
        temperature_before_c=timing.temperature_before_c,
        temperature_after_c=timing.temperature_after_c,
        throttled=timing.throttled,
        runtime=RUNTIME,
        delegate="XNNPACK" if delegated_operators else None,
        delegated_operators=delegated_operators,
        load_average=timing.load_average,
        other_load=timing.other_load,
        instructions=machine.instructions,
        reference_ms=timing.reference_ms,
        no_energy=no_energy,
    )
