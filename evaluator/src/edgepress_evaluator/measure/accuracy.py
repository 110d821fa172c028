"""How often the network is right: a fast pass over the validation set, and the figures that follow from its outcome."""

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import StepCancelledError, UnreadableDatasetError
from edgepress_evaluator.callbacks import Advance, ShouldStop
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.validation_pack import ValidationPack

Integers = npt.NDArray[np.int64]

# Pieces of work per processor: enough that one which is slower, or busy with something else, holds nobody up for long.
_SHARES_PER_WORKER = 8


@dataclass(frozen=True)
class Quality:
    """Figures of a confusion matrix; see `edgepress_common.results.EvaluationResult` for their meaning."""

    accuracy: float
    precision: float
    recall: float
    f1: float


def confusion_matrix(labels: Integers, predictions: Integers, classes: int) -> Integers:
    """Counts, ``[true][predicted]``.

    Raises:
        UnreadableDatasetError: A label is none of the classes.
    """
    if labels.min() < 0 or labels.max() >= classes:
        raise UnreadableDatasetError(f"labels run from {labels.min()} to {labels.max()}; accepted: 0 to {classes - 1}")
    pairs = labels * classes + predictions
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def quality(confusion: Integers) -> Quality:
    """Accuracy, and the mean over the classes of precision, recall and F1, each class weighing the same.

    A class that is never predicted has precision 0, one without images recall 0, one with neither F1 0. The same as
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
    """Which images are classified right, as `edgepress_common.results.EvaluationResult` has it: a bit for each."""
    right = labels == predictions
    padding = np.zeros(-len(right) % 8, np.bool_)
    return base64.b64encode(np.packbits(np.concatenate([padding, right])).tobytes()).decode()


def parallel_predictions(
    model_path: Path, pack: ValidationPack, *, workers: int, advance: Advance, should_stop: ShouldStop
) -> Integers:
    """Classifies the whole pack by several one-thread interpreters at once.

    That is more images a second than one interpreter of many threads gives.

    Args:
        model_path: The file.
        pack: The images.
        workers: Interpreters, and threads that drive them; each holds the model's memory once more.
        advance: Is told how many more images are done, by any of the threads, one at a time.
        should_stop: Is asked before every inference.

    Returns:
        int64 ``(n,)``, the class with the largest score.

    Raises:
        BrokenPromiseError: The runtime can't run the file.
        StepCancelledError: It was told to stop.
    """
    idle: SimpleQueue[Classifier] = SimpleQueue()
    for _ in range(workers):
        idle.put(Classifier(model_path, threads=1))
    predictions = np.empty(len(pack), np.int64)

    def classify(start: int, stop: int) -> int:
        classifier = idle.get()
        try:
            position = start
            for chunk in pack.chunks(start, stop):
                for image in classifier.prepare(chunk):
                    if should_stop():
                        raise StepCancelledError("the measurement was told to stop")
                    predictions[position] = classifier.classify(image).argmax()
                    position += 1
        finally:
            idle.put(classifier)  # else the threads that wait for one would wait for ever
        return stop - start

    share = min(pack.chunk_images, ceil(len(pack) / (workers * _SHARES_PER_WORKER)))
    starts = range(0, len(pack), share)
    with ThreadPoolExecutor(workers) as threads:
        for done in threads.map(classify, starts, [min(start + share, len(pack)) for start in starts]):
            advance(done)
    return predictions


def _share(part: npt.NDArray[np.float64], whole: Integers) -> npt.NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
