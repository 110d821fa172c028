"""Times a model at each number of threads, and notes the state the machine is in meanwhile."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgepress_common.steps import EvaluationStep
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.latency import TimedPass, timed_pass
from edgepress_evaluator.measure.throttling import Conditions, repeated_if_throttled
from edgepress_evaluator.progress import ProgressMeter
from edgepress_evaluator.validation_pack import ValidationPack


@dataclass(frozen=True)
class Timing:
    """Passes over the images, and the machine's state meanwhile.

    Attributes:
        passes: By number of threads, in the order asked for.
        throttled: What held the processor back in any of them; None if nobody tells.
        temperature_before_c: In degrees Celsius, before the first.
        temperature_after_c: Likewise after the last.
        load_average: Before the first, over the last minute.
    """

    passes: tuple[TimedPass, ...]
    throttled: Conditions | None
    temperature_before_c: float | None
    temperature_after_c: float | None
    load_average: float | None


def timed_inferences(parameters: EvaluationStep, pack: ValidationPack) -> int:
    """Inferences that count, for each number of threads."""
    return max(parameters.runs, len(pack)) if parameters.full_pass else parameters.runs


def time_model(
    model_path: Path,
    pack: ValidationPack,
    *,
    parameters: EvaluationStep,
    device: Device,
    meter: ProgressMeter,
    should_stop: ShouldStop,
) -> Timing:
    """Times inferences at each number of threads; a pass during which the board was throttled is repeated once.

    Args:
        model_path: The file.
        pack: The images.
        parameters: Numbers of threads and of inferences.
        device: What measures.
        meter: Is told of every inference that counts.
        should_stop: Is asked before every inference.

    Raises:
        BrokenPromiseError: The runtime can't run the file.
        StepCancelledError: It was told to stop.
    """
    machine = device.machine
    temperature_before_c, load_average = machine.temperature_c(), machine.load_average
    passes: list[TimedPass] = []
    told: list[Conditions | None] = []
    for threads in parameters.threads:
        inferences = timed_inferences(parameters, pack)
        measure = partial(
            timed_pass,
            model_path,
            pack,
            threads=threads,
            warmup_runs=parameters.warmup_runs,
            inferences=inferences,
            advance=partial(meter.advance, message=f"latency, threads: {threads}"),
            should_stop=should_stop,
        )
        timed, conditions = repeated_if_throttled(
            measure, device.read_throttling, on_repeat=partial(meter.expect, inferences)
        )
        passes.append(timed)
        told.append(conditions)
    return Timing(
        passes=tuple(passes),
        throttled=_union(told),
        temperature_before_c=temperature_before_c,
        temperature_after_c=machine.temperature_c(),
        load_average=load_average,
    )


def _union(told: list[Conditions | None]) -> Conditions | None:
    known = [conditions for conditions in told if conditions is not None]
    return tuple(dict.fromkeys(word for conditions in known for word in conditions)) if known else None
