"""One evaluation: measures a .tflite file on a validation pack. Independent of HTTP and leases.

1. The model is opened and checked against the pack and the classes.
2. Memory: a separate process loads and runs the model, with the first number of threads.
3. The ceilings of the board for each number of threads, once per start of the board.
4. Latency: for each number of threads, images are classified and timed one at a time. With ``full_pass``, these are the
   entire set. If the board was throttled during a pass, the pass is repeated once and the repetition is kept. A small
   file that never changes is timed before and after.
5. Energy, if it is asked for and there is a sensor.
6. Accuracy: with ``full_pass``, from the pass with the first number of threads; otherwise the entire set is classified
   on all processors in parallel.
7. A profile by operator, in a separate process, with the first number of threads.
8. Figures with their own module, see `edgepress_evaluator.measure.figures`, and the time to decode the coded file.
9. The test split, if the data set has one, is classified on all processors: after all timing, and only counted.

``total_seconds`` is the sum of the inference times over the entire set, each image once. It excludes reading an image
and converting it to the input type, because that cost depends on the source of the images, not on the network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from edgepress_common.devices import EvaluationLease
from edgepress_common.errors import BrokenPromiseError
from edgepress_common.results import EvaluationResult, Roofline, ThreadMeasurement
from edgepress_common.software import installed_software
from edgepress_common.steps import EvaluationStep
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.measure.accuracy import check_labels, parallel_predictions, split_result
from edgepress_evaluator.measure.decoding import decode_ms
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.energy import measure_energy
from edgepress_evaluator.measure.figures import measure_figures
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.measure.kernels import has_float16_arithmetic
from edgepress_evaluator.measure.latency import TimedPass, summarise
from edgepress_evaluator.measure.machine import usable_cores
from edgepress_evaluator.measure.memory import peak_memory_bytes
from edgepress_evaluator.measure.operators import FileOperator, operator_groups
from edgepress_evaluator.measure.predictions import Predictions
from edgepress_evaluator.measure.profile import operator_times
from edgepress_evaluator.measure.roofline import roofline
from edgepress_evaluator.measure.subject import Subject
from edgepress_evaluator.measure.surroundings import surroundings
from edgepress_evaluator.measure.thread_figures import measure_thread_figures
from edgepress_evaluator.measure.timing import time_model, timed_inferences
from edgepress_evaluator.progress import ProgressMeter, Report
from edgepress_evaluator.validation_pack import ValidationPack

_MS_PER_SECOND = 1000


@dataclass(frozen=True)
class Files:
    """The local files of an evaluation's inputs, in the order of `EvaluationLease.artifacts`.

    Attributes:
        model: The .tflite file.
        images: .npy, uint8 ``(n, height, width, channels)``.
        labels: .npy, int64 ``(n,)``.
        test_images: Images of the test split, like ``images``; None if the data set has no test split.
        test_labels: Labels of the test split, like ``labels``; None if the data set has no test split.
        coded: The coded file of ``model``; None if the lease has none.
    """

    model: Path
    images: Path
    labels: Path
    test_images: Path | None = None
    test_labels: Path | None = None
    coded: Path | None = None


def evaluate(
    lease: EvaluationLease, files: Files, *, device: Device, report: Report, should_stop: ShouldStop
) -> EvaluationResult:
    """Measure a model with the parameters of a lease.

    Args:
        lease: Parameters of the evaluation.
        files: Artifacts of the lease.
        device: The device that measures.
        report: Function that receives the progress, between inferences.
        should_stop: Called before every inference; if it returns true, the evaluation stops.

    Raises:
        BrokenPromiseError: The file can't be run, or does not classify such images into the classes of the lease.
        UnreadableDatasetError: The files are not a valid pack.
        StepFailedError: A measuring process failed.
        StepCancelledError: The evaluation was stopped.
    """
    parameters = lease.parameters
    pack = ValidationPack.open(files.images, files.labels).first(parameters.images)
    test = _open_test(files, parameters.images)
    operators = _inspect(files.model, {"validation": pack, "test": test}, lease.classes)
    apart = (device.python_command, files.model, parameters.threads[0], should_stop)
    peak_memory = peak_memory_bytes(*apart)
    meter = ProgressMeter(_inferences(parameters, pack, test), report)
    floors = _floors(operators, parameters, device, should_stop)
    timing = time_model(files.model, pack, parameters=parameters, device=device, meter=meter, should_stop=should_stop)
    energies, no_energy = (
        measure_energy(files.model, pack, timing.passes, device=device, meter=meter, should_stop=should_stop)
        if parameters.energy
        else ({}, None)
    )
    classify = partial(_classify, files.model, meter=meter, should_stop=should_stop)
    whole = timing.passes[0].predictions.first(len(pack)) if parameters.full_pass else classify(pack, "validation")
    subject = Subject(files.model, pack, whole.classes, parameters, device, should_stop)
    return EvaluationResult(
        **dict(split_result(pack.labels, whole, len(lease.classes))),
        device=device.name,
        measurements=tuple(
            _measurement(timed, pack, full_pass=parameters.full_pass).model_copy(
                update={"energy": energies.get(timed.threads), "roofline": floors.get(timed.threads)}
            )
            for timed in timing.passes
        ),
        peak_memory_bytes=peak_memory,
        operator_times=operator_times(*apart),
        surroundings=surroundings(device.machine, timing, sum(each.delegated for each in operators), no_energy),
        model_sha256=lease.model.sha256,
        figures=measure_figures(subject),
        decode_ms=decode_ms(files.coded),
        operators=operator_groups(operators, device.machine.kernel_of),
        # Last, so that it changes nothing that is timed.
        test=None if test is None else split_result(test.labels, classify(test, "test"), len(lease.classes)),
        software=installed_software("ai-edge-litert", "numpy"),
    )


def _open_test(files: Files, images: int | None) -> ValidationPack | None:
    if files.test_images is None or files.test_labels is None:
        return None
    return ValidationPack.open(files.test_images, files.test_labels).first(images)


def _classify(
    model_path: Path, pack: ValidationPack, split: str, *, meter: ProgressMeter, should_stop: ShouldStop
) -> Predictions:
    """Return the prediction for each image of a split, computed on all processors."""
    advance = partial(meter.advance, message=f"accuracy on the {split} images, on all processors")
    return parallel_predictions(model_path, pack, workers=usable_cores(), advance=advance, should_stop=should_stop)


def _inspect(
    model_path: Path, packs: Mapping[str, ValidationPack | None], classes: Sequence[str]
) -> tuple[FileOperator, ...]:
    """Check the model against the packs and the classes; return its operators."""
    classifier = Classifier(model_path, threads=1)
    for split, pack in packs.items():
        if pack is not None and classifier.image_shape != pack.image_shape:
            raise BrokenPromiseError(
                f"the model takes images of {_dimensions(classifier.image_shape)}, but the images of the {split} pack "
                f"are {_dimensions(pack.image_shape)}; accepted: a model exported for the size of the pack's images"
            )
    if classifier.classes != len(classes):
        raise BrokenPromiseError(
            f"the model has {classifier.classes} classes, but the data set has {len(classes)}; accepted: equal numbers"
        )
    for pack in packs.values():
        if pack is not None:
            check_labels(pack.labels, len(classes))
    return classifier.operators()


def _floors(
    operators: Sequence[FileOperator], parameters: EvaluationStep, device: Device, should_stop: ShouldStop
) -> dict[int, Roofline]:
    """Return the shortest time of the file by number of threads; none where it is not known."""
    machine = device.machine
    computes_in_float16 = any(each.weights == "float16" or each.name == "DEQUANTIZE" for each in operators)
    if machine.emulated or (computes_in_float16 and has_float16_arithmetic(frozenset(machine.instructions or ()))):
        return {}
    found = {threads: device.ceilings(threads, should_stop) for threads in parameters.threads}
    return {threads: roofline(operators, each) for threads, each in found.items() if each is not None}


def _inferences(parameters: EvaluationStep, pack: ValidationPack, test: ValidationPack | None) -> int:
    """Return the number of inferences of the evaluation, without warm-up."""
    timed = timed_inferences(parameters, pack) * len(parameters.threads)
    untimed = 0 if parameters.full_pass else len(pack)
    return timed + untimed + (0 if test is None else len(test))


def _measurement(timed: TimedPass, pack: ValidationPack, *, full_pass: bool) -> ThreadMeasurement:
    whole_set = slice(len(pack))  # what comes after it repeats images
    return ThreadMeasurement(
        threads=timed.threads,
        load_ms=timed.load_ms,
        first_inference_ms=timed.first_inference_ms,
        latency_ms=summarise(timed.latencies_ms),
        total_seconds=float(timed.latencies_ms[whole_set].sum()) / _MS_PER_SECOND if full_pass else None,
        accuracy=float(np.mean(timed.predictions.classes[whole_set] == pack.labels)) if full_pass else None,
        figures=measure_thread_figures(timed),
    )


def _dimensions(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
