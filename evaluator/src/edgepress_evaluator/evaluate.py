"""One evaluation: a .tflite file and a validation pack in, everything measured out. Free of HTTP and leases.

1. Model and pack are opened and held against each other.
2. Memory: a process of its own loads and runs the model, with the first number of threads.
3. Time: for each number of threads, images are classified one at a time, each timed. With ``full_pass`` these are the
   whole set. A pass during which the board was throttled is repeated once, and the repetition kept.
4. Accuracy: of the first number's pass with ``full_pass``; else the whole set is classified on all processors at once.
5. A profile by operator, in a process of its own, with the first number of threads.

``total_seconds`` is the sum of the inferences' times over the whole set, each image once. Reading an image and turning
it into the input tensor's type is left out: what that costs is a matter of where images come from, not of the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from edgepress_common.devices import EvaluationLease
from edgepress_common.errors import BrokenPromiseError
from edgepress_common.results import EvaluationResult, ThreadMeasurement
from edgepress_common.steps import EvaluationStep
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.measure.accuracy import confusion_matrix, parallel_predictions, quality, right_images
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.measure.latency import TimedPass, summarise
from edgepress_evaluator.measure.machine import usable_cores
from edgepress_evaluator.measure.memory import peak_memory_bytes
from edgepress_evaluator.measure.profile import operator_times
from edgepress_evaluator.measure.surroundings import surroundings
from edgepress_evaluator.measure.timing import time_model, timed_inferences
from edgepress_evaluator.progress import ProgressMeter, Report
from edgepress_evaluator.validation_pack import ValidationPack

_MS_PER_SECOND = 1000


@dataclass(frozen=True)
class Files:
    """An evaluation's inputs, on this machine.

    Attributes:
        model: The .tflite file.
        images: .npy, uint8 ``(n, height, width, channels)``.
        labels: .npy, int64 ``(n,)``.
    """

    model: Path
    images: Path
    labels: Path


def evaluate(
    lease: EvaluationLease, files: Files, *, device: Device, report: Report, should_stop: ShouldStop
) -> EvaluationResult:
    """Measures a model as a lease asks.

    Args:
        lease: What to measure, and how.
        files: The lease's artifacts.
        device: What measures.
        report: Is given the progress, between inferences.
        should_stop: Is asked before every inference.

    Raises:
        BrokenPromiseError: The file can't be run, or isn't a classifier of such images into the lease's classes.
        UnreadableDatasetError: The pack is none.
        StepFailedError: A process that measures failed.
        StepCancelledError: It was told to stop.
    """
    parameters = lease.parameters
    pack = ValidationPack.open(files.images, files.labels)
    delegated_operators = _inspect(files.model, pack, lease.classes)
    apart = (device.python_command, files.model, parameters.threads[0], should_stop)
    peak_memory = peak_memory_bytes(*apart)
    meter = ProgressMeter(_inferences(parameters, pack), report)
    timing = time_model(files.model, pack, parameters=parameters, device=device, meter=meter, should_stop=should_stop)
    if parameters.full_pass:
        predictions = timing.passes[0].predictions[: len(pack)]
    else:
        advance = partial(meter.advance, message="accuracy, on all processors")
        predictions = parallel_predictions(
            files.model, pack, workers=usable_cores(), advance=advance, should_stop=should_stop
        )
    confusion = confusion_matrix(pack.labels, predictions, len(lease.classes))
    found = quality(confusion)
    return EvaluationResult(
        device=device.name,
        images=len(pack),
        accuracy=found.accuracy,
        precision=found.precision,
        recall=found.recall,
        f1=found.f1,
        confusion=tuple(map(tuple, confusion.tolist())),
        measurements=tuple(_measurement(timed, pack, full_pass=parameters.full_pass) for timed in timing.passes),
        peak_memory_bytes=peak_memory,
        operator_times=operator_times(*apart),
        surroundings=surroundings(device.machine, timing, delegated_operators),
        model_sha256=lease.model.sha256,
        right_images=right_images(pack.labels, predictions),
    )


def _inspect(model_path: Path, pack: ValidationPack, classes: Sequence[str]) -> int:
    """Holds the model against the pack and the classes; tells how many of its operators the delegate takes."""
    classifier = Classifier(model_path, threads=1)
    if classifier.image_shape != pack.image_shape:
        raise BrokenPromiseError(
            f"the model takes images of {_dimensions(classifier.image_shape)}, the validation pack's are "
            f"{_dimensions(pack.image_shape)}; accepted: a model exported for images of the pack's size"
        )
    if classifier.classes != len(classes):
        raise BrokenPromiseError(
            f"the model tells {classifier.classes} classes apart, the data set has {len(classes)}; accepted: as many"
        )
    return classifier.delegated_operators()


def _inferences(parameters: EvaluationStep, pack: ValidationPack) -> int:
    """All that are to come, except for warming up."""
    timed = timed_inferences(parameters, pack) * len(parameters.threads)
    return timed if parameters.full_pass else timed + len(pack)


def _measurement(timed: TimedPass, pack: ValidationPack, *, full_pass: bool) -> ThreadMeasurement:
    whole_set = slice(len(pack))  # what comes after it repeats images
    return ThreadMeasurement(
        threads=timed.threads,
        load_ms=timed.load_ms,
        first_inference_ms=timed.first_inference_ms,
        latency_ms=summarise(timed.latencies_ms),
        total_seconds=float(timed.latencies_ms[whole_set].sum()) / _MS_PER_SECOND if full_pass else None,
        accuracy=float(np.mean(timed.predictions[whole_set] == pack.labels)) if full_pass else None,
    )


def _dimensions(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
