"""Latency of one inference with a given number of threads.

1. The file is loaded; the duration is ``load_ms``.
2. Warm-up: at least one inference, because the first one also initializes the runtime and is reported separately.
3. Images are read and converted to input tensors, a chunk at a time; this is not timed.
4. Each image is then timed individually: set the input, run the network, read the output. Python's garbage collector is
   off meanwhile, because a collection during an inference would be counted as part of it.

The standard deviation is that of the population; percentiles are interpolated linearly.

The interval of the median accounts for inferences that depend on the ones before, as times do: caches, the processor's
frequency and other programs change slowly. The inferences are divided into ten blocks of successive ones, and the
medians of the blocks vary as if they were independent: with b blocks and the standard deviation s of their medians, the
ends are the median -+ t s / sqrt(b), t being the 97.5 % quantile of Student's distribution with b - 1 degrees of
freedom. These are nonoverlapping batches (Schmeiser 1982, doi:10.1287/opre.30.3.556, who recommends 10 to 30 of them)
for a quantile
(Muñoz 2010, Operations Research Letters 38, 223-226).
"""

import gc
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from time import perf_counter_ns

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import StepCancelledError
from edgepress_common.results import Latency
from edgepress_evaluator.callbacks import Advance, ShouldStop
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.measure.predictions import Predictions
from edgepress_evaluator.validation_pack import ValidationPack

_NS_PER_MS = 1e6
_BLOCKS = 10
_LEAST_PER_BLOCK = 2
STUDENT_T = 2.2621571628540993
"""97.5 % quantile of Student's distribution with nine degrees of freedom, for ten blocks."""


@dataclass(frozen=True)
class TimedPass:
    """The result of one pass over images, one image at a time.

    Attributes:
        threads: Number of interpreter threads.
        load_ms: Time to read the file, create the interpreter and allocate its tensors, in milliseconds.
        first_inference_ms: Latency of the first inference, in milliseconds.
        latencies_ms: float64 ``(inferences,)``, in the order of the images.
        predictions: Prediction of each inference.
    """

    threads: int
    load_ms: float
    first_inference_ms: float
    latencies_ms: npt.NDArray[np.float64]
    predictions: Predictions


def timed_pass(
    model_path: Path,
    pack: ValidationPack,
    *,
    threads: int,
    warmup_runs: int,
    inferences: int,
    advance: Advance,
    should_stop: ShouldStop,
) -> TimedPass:
    """Time inferences on the images of the pack in order, starting again from the beginning if it has fewer.

    Args:
        model_path: The .tflite file.
        pack: The images.
        threads: Number of interpreter threads.
        warmup_runs: Number of inferences before the timed ones; 0 counts as 1.
        inferences: Number of timed inferences.
        advance: Function that receives the number of further timed inferences, at intervals.
        should_stop: Called before every inference; if it returns true, the pass stops.

    Raises:
        BrokenPromiseError: The runtime can't run the file.
        StepCancelledError: The pass was stopped.
    """
    started = perf_counter_ns()
    classifier = Classifier(model_path, threads)
    load_ns = perf_counter_ns() - started
    with _no_garbage_collection():
        warmup = pack.cycle(max(1, warmup_runs))
        warmup_ns, *_ = _time_each(classifier, warmup, cycle(pack.labels.tolist()), lambda _: None, should_stop)
        timed = _time_each(classifier, pack.cycle(inferences), cycle(pack.labels.tolist()), advance, should_stop)
    latencies_ns, predicted, *scores = timed
    return TimedPass(
        threads=threads,
        load_ms=load_ns / _NS_PER_MS,
        first_inference_ms=warmup_ns[0] / _NS_PER_MS,
        latencies_ms=np.asarray(latencies_ns) / _NS_PER_MS,
        predictions=Predictions(np.asarray(predicted, np.int64), classifier.dequantized(np.stack(scores, axis=1))),
    )


def summarise(latencies_ms: npt.NDArray[np.float64]) -> Latency:
    """Return mean, standard deviation, percentiles and the median's interval of at least one latency."""
    p50, p90, p99 = np.percentile(latencies_ms, [50, 90, 99])
    half = median_half_width(latencies_ms)
    return Latency(
        runs=len(latencies_ms),
        mean=float(latencies_ms.mean()),
        std=float(latencies_ms.std()),
        min=float(latencies_ms.min()),
        p50=float(p50),
        p90=float(p90),
        p99=float(p99),
        max=float(latencies_ms.max()),
        p50_low=None if half is None else max(float(latencies_ms.min()), float(p50) - half),
        p50_high=None if half is None else min(float(latencies_ms.max()), float(p50) + half),
    )


def median_half_width(latencies_ms: npt.NDArray[np.float64]) -> float | None:
    """Return half of the width of the median's 95 % interval, see the module; None of too few latencies.

    Args:
        latencies_ms: float64 ``(inferences,)``, in the order in which they were measured.
    """
    if len(latencies_ms) < _BLOCKS * _LEAST_PER_BLOCK:
        return None
    medians = [np.median(block) for block in np.array_split(latencies_ms, _BLOCKS)]
    return float(STUDENT_T * np.std(medians, ddof=1) / np.sqrt(_BLOCKS))


def _time_each(
    classifier: Classifier,
    chunks: Iterator[npt.NDArray[np.uint8]],
    labels: Iterator[int],
    advance: Advance,
    should_stop: ShouldStop,
) -> tuple["array[int]", "array[int]", "array[float]", "array[float]"]:
    """Return latency, predicted class, its score and the score of the true class, as the output tensor has them."""
    # 24 bytes per image; lists of Python numbers would need several times as many.
    latencies_ns, predicted, scores, true_scores = array("q"), array("q"), array("f"), array("f")
    for chunk in chunks:
        for image in classifier.prepare(chunk):
            if should_stop():
                raise StepCancelledError("the measurement was told to stop")
            started = perf_counter_ns()
            found = classifier.classify(image)
            latencies_ns.append(perf_counter_ns() - started)
            best = int(found.argmax())
            predicted.append(best)
            scores.append(found[0, best])
            true_scores.append(found[0, next(labels)])
        advance(len(chunk))
    return latencies_ns, predicted, scores, true_scores


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
