"""How long one inference takes, at one number of threads.

1. The file is loaded; how long that takes is ``load_ms``.
2. Warm-up: at least one inference, for the first is another figure: it sets up what later ones find ready.
3. Images are read and turned into input tensors, a chunk at a time; that is not timed.
4. Each image is then timed by itself: input set, network run, output got, and nothing else. Python's garbage collector
   is off meanwhile, since a collection that falls into an inference would be counted as the network's.

The standard deviation is the population's; percentiles are interpolated linearly.
"""

import gc
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import StepCancelledError
from edgepress_common.results import Latency
from edgepress_evaluator.callbacks import Advance, ShouldStop
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.validation_pack import ValidationPack

_NS_PER_MS = 1e6


@dataclass(frozen=True)
class TimedPass:
    """What was found in one pass over some images, one image at a time.

    Attributes:
        threads: Interpreter threads.
        load_ms: To read the file, build the interpreter and allocate its tensors.
        first_inference_ms: The very first.
        latencies_ms: float64 ``(inferences,)``, in the order of the images.
        predictions: int64 ``(inferences,)``, the class with the largest score.
    """

    threads: int
    load_ms: float
    first_inference_ms: float
    latencies_ms: npt.NDArray[np.float64]
    predictions: npt.NDArray[np.int64]


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
    """Times inferences on the pack's images in order, beginning anew where the pack has fewer.

    Args:
        model_path: The file.
        pack: The images.
        threads: Interpreter threads.
        warmup_runs: Inferences before the first that counts; one where 0 is asked for.
        inferences: Inferences that count.
        advance: Is told, now and then, how many more of them are done.
        should_stop: Is asked before every inference.

    Raises:
        BrokenPromiseError: The runtime can't run the file.
        StepCancelledError: It was told to stop.
    """
    started = perf_counter_ns()
    classifier = Classifier(model_path, threads)
    load_ns = perf_counter_ns() - started
    with _no_garbage_collection():
        warmup_ns, _ = _time_each(classifier, pack.cycle(max(1, warmup_runs)), lambda _: None, should_stop)
        latencies_ns, predictions = _time_each(classifier, pack.cycle(inferences), advance, should_stop)
    return TimedPass(
        threads=threads,
        load_ms=load_ns / _NS_PER_MS,
        first_inference_ms=warmup_ns[0] / _NS_PER_MS,
        latencies_ms=np.asarray(latencies_ns) / _NS_PER_MS,
        predictions=np.asarray(predictions, np.int64),
    )


def summarise(latencies_ms: npt.NDArray[np.float64]) -> Latency:
    """Mean, spread and percentiles of at least one latency."""
    p50, p90, p99 = np.percentile(latencies_ms, [50, 90, 99])
    return Latency(
        runs=len(latencies_ms),
        mean=float(latencies_ms.mean()),
        std=float(latencies_ms.std()),
        min=float(latencies_ms.min()),
        p50=float(p50),
        p90=float(p90),
        p99=float(p99),
        max=float(latencies_ms.max()),
    )


def _time_each(
    classifier: Classifier,
    chunks: Iterator[npt.NDArray[np.uint8]],
    advance: Advance,
    should_stop: ShouldStop,
) -> tuple["array[int]", "array[int]"]:
    # 16 bytes an image: in lists their integers would take five times that.
    latencies_ns, predictions = array("q"), array("q")
    for chunk in chunks:
        for image in classifier.prepare(chunk):
            if should_stop():
                raise StepCancelledError("the measurement was told to stop")
            started = perf_counter_ns()
            scores = classifier.classify(image)
            latencies_ns.append(perf_counter_ns() - started)
            predictions.append(int(scores.argmax()))
        advance(len(chunk))
    return latencies_ns, predictions


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
