"""Accuracy: a fast pass over a split, and the metrics that follow from its predictions."""

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import StepCancelledError, UnreadableDatasetError
from edgepress_common.results import SplitResult
from edgepress_evaluator.callbacks import Advance, ShouldStop
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.measure.predictions import Predictions
from edgepress_evaluator.measure.reliability import reliability_curve
from edgepress_evaluator.validation_pack import ValidationPack

Integers = npt.NDArray[np.int64]

# Pieces of work per processor: enough that a processor which is slower or busy does not delay the end.
_SHARES_PER_WORKER = 8


@dataclass(frozen=True)
class Quality:
    """Metrics of a confusion matrix; see `edgepress_common.results.SplitResult` for their meaning."""

    accuracy: float
    precision: float
    recall: float
    f1: float


def split_result(labels: Integers, predictions: Predictions, classes: int) -> SplitResult:
    """Return the metrics of a split, and what the wrongly classified images are taken for.

    Args:
        labels: True class of each image, int64 ``(n,)``.
        predictions: Predictions for the images.
        classes: Number of classes.

    Raises:
        UnreadableDatasetError: A label is outside the range of the classes.
    """
    confusion = confusion_matrix(labels, predictions.classes, classes)
    found = quality(confusion)
    return SplitResult(
        images=len(labels),
        accuracy=found.accuracy,
        precision=found.precision,
        recall=found.recall,
        f1=found.f1,
        confusion=tuple(map(tuple, confusion.tolist())),
        right_images=right_images(labels, predictions.classes),
        reliability=reliability_curve(predictions.scores[:, 0], labels == predictions.classes),
        wrong_images=predictions.wrong_images(labels),
    )


def confusion_matrix(labels: Integers, predictions: Integers, classes: int) -> Integers:
    """Return the counts, ``[true][predicted]``.

    Raises:
        UnreadableDatasetError: A label is outside the range of the classes.
    """
    check_labels(labels, classes)
    pairs = labels * classes + predictions
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def check_labels(labels: Integers, classes: int) -> None:
    """Check the labels of a split.

    Raises:
        UnreadableDatasetError: A label is outside the range of the classes.
    """
    if labels.min() < 0 or labels.max() >= classes:
        raise UnreadableDatasetError(f"labels run from {labels.min()} to {labels.max()}; accepted: 0 to {classes - 1}")


def quality(confusion: Integers) -> Quality:
    """Return accuracy, and the unweighted mean over the classes of precision, recall and F1.

    A class that is never predicted has precision 0, a class without images recall 0, a class with neither F1 0. This is
    scikit-learn's ``average="macro"`` over all classes with ``zero_division=0``.
    """
    hits = confusion.diagonal().astype(np.float64)
    predicted, true = confusion.sum(axis=0), confusion.sum(axis=1)
    return Quality(
        accuracy=float(hits.sum() / confusion.sum()),
        precision=float(_share(hits, predicted).mean()),
        recall=float(_share(hits, true).mean()),
        f1=float(_share(2 * hits, predicted + true).mean()),
    )


def right_images(labels: Integers, predictions: Integers) -> str:
    """Return which images are classified correctly, encoded as in `edgepress_common.results.SplitResult`."""
    right = labels == predictions
    padding = np.zeros(-len(right) % 8, np.bool_)
    return base64.b64encode(np.packbits(np.concatenate([padding, right])).tobytes()).decode()


def parallel_predictions(
    model_path: Path, pack: ValidationPack, *, workers: int, advance: Advance, should_stop: ShouldStop
) -> Predictions:
    """Classify the entire pack with several one-thread interpreters in parallel.

    This has a higher throughput than one interpreter with many threads.

    Args:
        model_path: The .tflite file.
        pack: The images.
        workers: Number of interpreters and of threads that run them; each needs the model's memory again.
        advance: Function that receives the number of further images that are done; calls are serialized.
        should_stop: Called before every inference; if it returns true, the pass stops.

    Raises:
        BrokenPromiseError: The runtime can't run the file.
        StepCancelledError: The pass was stopped.
    """
    idle: SimpleQueue[Classifier] = SimpleQueue()
    for _ in range(workers):
        idle.put(Classifier(model_path, threads=1))
    predicted, scores = np.empty(len(pack), np.int64), np.empty((len(pack), 2), np.float32)

    def classify(start: int, stop: int) -> int:
        classifier = idle.get()
        try:
            position = start
            for chunk in pack.chunks(start, stop):
                for image in classifier.prepare(chunk):
                    if should_stop():
                        raise StepCancelledError("the measurement was told to stop")
                    (found,) = classifier.classify(image)
                    best = predicted[position] = found.argmax()
                    scores[position] = found[best], found[pack.labels[position]]
                    position += 1
        finally:
            idle.put(classifier)  # also after an error; otherwise the threads that wait for one would never end
        return stop - start

    share = min(pack.chunk_images, ceil(len(pack) / (workers * _SHARES_PER_WORKER)))
    starts = range(0, len(pack), share)
    with ThreadPoolExecutor(workers) as threads:
        for done in threads.map(classify, starts, [min(start + share, len(pack)) for start in starts]):
            advance(done)
    return Predictions(predicted, idle.get().dequantized(scores))


def _share(part: npt.NDArray[np.float64], whole: Integers) -> npt.NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
