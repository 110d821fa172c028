"""The energy of an inference, above what the board needs when it is idle.

1. Ten times in turn: the board is idle for one second, then runs inferences for one second. The sensor measures both.
2. A block's energy of an image is the energy of its inferences, less the power of the idle second before it times their
   duration, divided by their number. So slow changes (temperature, fan) hardly count.
3. The result is the mean over the blocks, with a 95 % interval by Student's distribution with nine degrees of freedom.

Reading the sensor costs energy itself; it is read as often while the board is idle, so that this is subtracted, too.
Images are converted before; setting the input and reading the output are part of an inference, as for the latency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from time import monotonic, sleep

import numpy as np

from edgepress_common.errors import StepCancelledError
from edgepress_common.results import Energy
from edgepress_evaluator.callbacks import Advance, ShouldStop
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.interpreter import Classifier, TypedImages
from edgepress_evaluator.measure.latency import STUDENT_T, TimedPass
from edgepress_evaluator.measure.power_sensors import Sensor, SensorError, find_sensor
from edgepress_evaluator.progress import ProgressMeter
from edgepress_evaluator.validation_pack import ValidationPack

BLOCKS = 10
BLOCK_SECONDS = 1.0

_LOOK_SECONDS = 0.1  # maximum delay of a stop while the board is idle
_MJ_PER_JOULE = 1000
_MS_PER_SECOND = 1000
_SHORTEST_MS = 1e-3
_LONGEST_REASON = 200  # characters, which gateways accept


def measure_energy(
    model_path: Path,
    pack: ValidationPack,
    passes: Sequence[TimedPass],
    *,
    device: Device,
    meter: ProgressMeter,
    should_stop: ShouldStop,
) -> tuple[dict[int, Energy], str | None]:
    """Return the energy of an image by number of threads, and why there is none where it can't be measured.

    Args:
        model_path: The .tflite file.
        pack: The images.
        passes: Timed passes with the same numbers of threads.
        device: The device that measures.
        meter: Counter of inferences.
        should_stop: Called before every inference; if it returns true, the measurement stops.

    Raises:
        StepCancelledError: The measurement was stopped.
    """
    if device.machine.emulated:
        return {}, "the device is emulated"
    found = {}
    try:
        sensor = find_sensor(device.power_sensor, device.machine.root)
        for timed in passes:
            meter.expect(_expected_inferences(timed))
            found[timed.threads] = energy_of(
                model_path,
                pack,
                threads=timed.threads,
                sensor=sensor,
                advance=partial(meter.advance, message=f"energy, threads: {timed.threads}"),
                should_stop=should_stop,
            )
    except SensorError as error:
        return {}, str(error)[:_LONGEST_REASON]
    return found, None


def _expected_inferences(timed: TimedPass) -> int:
    return int(BLOCKS * BLOCK_SECONDS * _MS_PER_SECOND / max(float(np.median(timed.latencies_ms)), _SHORTEST_MS))


def energy_of(
    model_path: Path,
    pack: ValidationPack,
    *,
    threads: int,
    sensor: Sensor,
    advance: Advance,
    should_stop: ShouldStop,
    seconds: float = BLOCK_SECONDS,
) -> Energy:
    """Measure the energy of an inference.

    Args:
        model_path: The .tflite file.
        pack: The images; the first ones are used again and again.
        threads: Number of interpreter threads.
        sensor: The sensor.
        advance: Function that receives the number of further inferences, after each block.
        should_stop: Called before every inference; if it returns true, the measurement stops.
        seconds: Duration of each part of a block.

    Raises:
        BrokenPromiseError: The runtime can't run the file.
        SensorError: The sensor can't be read.
        StepCancelledError: The measurement was stopped.
    """
    classifier = Classifier(model_path, threads)
    images = classifier.prepare(next(pack.cycle(pack.chunk_images)))
    classifier.classify(images[0])
    per_image, idle_watts, total = [], [], 0
    for _ in range(BLOCKS):
        idle_joules, idle_seconds = sensor.joules_of(lambda: _rest(seconds, should_stop))
        work = _Work(classifier, images, seconds, should_stop)
        joules, busy_seconds = sensor.joules_of(work)
        idle_watts.append(idle_joules / idle_seconds)
        per_image.append(_MJ_PER_JOULE * (joules - idle_watts[-1] * busy_seconds) / work.done)
        total += work.done
        advance(work.done)
    mean = float(np.mean(per_image))
    half = float(STUDENT_T * np.std(per_image, ddof=1) / np.sqrt(BLOCKS))
    return Energy(
        mean_mj=mean,
        low_mj=mean - half,
        high_mj=mean + half,
        idle_watts=float(np.mean(idle_watts)),
        images=total,
        sensor=sensor.name,
    )


def _rest(seconds: float, should_stop: ShouldStop) -> None:
    end = monotonic() + seconds
    while (left := end - monotonic()) > 0:
        _check(should_stop)
        sleep(min(left, _LOOK_SECONDS))


@dataclass
class _Work:
    """Inferences for a number of seconds, and how many there were."""

    classifier: Classifier
    images: TypedImages
    seconds: float
    should_stop: ShouldStop
    done: int = 0

    def __call__(self) -> None:
        end = monotonic() + self.seconds
        for image in cycle(self.images):
            _check(self.should_stop)
            self.classifier.classify(image)
            self.done += 1
            if monotonic() >= end:
                return


def _check(should_stop: ShouldStop) -> None:
    if should_stop():
        raise StepCancelledError("the measurement was told to stop")
