"""Measures how rarely the class that is predicted least is predicted."""

import numpy as np

from edgepress_evaluator.measure.subject import Subject


def measure(subject: Subject) -> float:
    """Return its share of the predictions."""
    counts = np.bincount(subject.predictions, minlength=int(subject.pack.labels.max()) + 1)
    return float(counts.min() / counts.sum())
