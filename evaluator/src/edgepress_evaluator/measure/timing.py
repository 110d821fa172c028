"""Times a model with each number of threads, and records the state of the machine.

A pass whose median is uncertain, because another program ran for a part of it, is repeated up to twice, and the one
with the lowest median is kept: other programs only ever add time (Chen and Revels 2016, arXiv:1608.04295). A long pass
is not repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from edgepress_common.steps import EvaluationStep
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.latency import TimedPass, median_half_width, timed_pass
from edgepress_evaluator.measure.other_load import OtherLoad
from edgepress_evaluator.measure.reference import Reference
from edgepress_evaluator.measure.throttling import Conditions, repeated_if_throttled
from edgepress_evaluator.progress import ProgressMeter
from edgepress_evaluator.validation_pack import ValidationPack

_LARGEST_UNCERTAINTY = 0.05  # half of the width of the median's 95 % interval, relative to the median
_MOST_REPETITIONS = 2
_LONG_PASS_MS = 10_000


@dataclass(frozen=True)
class Timing:
    """Passes over the images, and the state of the machine.

    Attributes:
        passes: One pass per number of threads, in the requested order.
        throttled: Throttling conditions during any of them; None if unknown.
        temperature_before_c: Temperature before the first pass, in degrees Celsius.
        temperature_after_c: Temperature after the last pass, in degrees Celsius.
        load_average: Load average over one minute before the first pass.
        other_load: Processors that other programs used on average during the passes; None if unknown.
        reference_ms: Median time of the reference file before the first and after the last pass, in milliseconds; None
            on an emulated device.
    """

    passes: tuple[TimedPass, ...]
    throttled: Conditions | None
    temperature_before_c: float | None
    temperature_after_c: float | None
    load_average: float | None
    other_load: float | None
    reference_ms: float | None


def timed_inferences(parameters: EvaluationStep, pack: ValidationPack) -> int:
    """Return the number of timed inferences per number of threads."""
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
    """Time inferences with each number of threads; if the board was throttled during a pass, repeat the pass once.

    Args:
        model_path: The .tflite file.
        pack: The images.
        parameters: Numbers of threads and of inferences.
        device: The device that measures.
        meter: Counter of timed inferences.
        should_stop: Called before every inference; if it returns true, the measurement stops.

    Raises:
        BrokenPromiseError: The runtime can't run the file.
        StepCancelledError: The measurement was stopped.
    """
    machine = device.machine
    reference = None if machine.emulated else Reference()
    if reference is not None:
        reference.run()
    temperature_before_c, load_average = machine.temperature_c(), machine.load_average
    other_load = OtherLoad(machine)
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
        on_repeat = partial(meter.expect, inferences)
        timed, conditions = repeated_if_throttled(
            partial(repeated_if_unsteady, measure, on_repeat=on_repeat), device.read_throttling, on_repeat=on_repeat
        )
        passes.append(timed)
        told.append(conditions)
    loaded = other_load.processors()
    if reference is not None:
        reference.run()
    return Timing(
        passes=tuple(passes),
        throttled=_union(told),
        temperature_before_c=temperature_before_c,
        temperature_after_c=machine.temperature_c(),
        load_average=load_average,
        other_load=loaded,
        reference_ms=None if reference is None else reference.median_ms,
    )


def repeated_if_unsteady(measure: Callable[[], TimedPass], *, on_repeat: Callable[[], None]) -> TimedPass:
    """Measure, again if the median is uncertain, and return the pass with the lowest median; see the module.

    Args:
        measure: Function that measures.
        on_repeat: Function that is called before each repetition.
    """
    passes = [measure()]
    while len(passes) <= _MOST_REPETITIONS and _is_unsteady(passes[-1]):
        on_repeat()
        passes.append(measure())
    return min(passes, key=lambda each: float(np.median(each.latencies_ms)))


def _is_unsteady(timed: TimedPass) -> bool:
    half = median_half_width(timed.latencies_ms)
    is_short = float(timed.latencies_ms.sum()) < _LONG_PASS_MS
    return half is not None and is_short and half > _LARGEST_UNCERTAINTY * float(np.median(timed.latencies_ms))


def _union(told: list[Conditions | None]) -> Conditions | None:
    known = [conditions for conditions in told if conditions is not None]
    return tuple(dict.fromkeys(word for conditions in known for word in conditions)) if known else None
