"""Measures the largest magnitude of a weight."""

import numpy as np

from edgepress_worker.methods.method import Compressed


def measure(stage: Compressed) -> float:
    """Return it."""
    return max(float(np.abs(weights).max()) for weights in stage.model.get_weights())
