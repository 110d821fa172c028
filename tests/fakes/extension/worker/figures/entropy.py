"""Measures the entropy of a file's bytes."""

from collections import Counter
from math import log2
from pathlib import Path


def measure(file: Path) -> float:
    """Return it, in bits."""
    counts = Counter(file.read_bytes())
    total = counts.total()
    return -sum(count / total * log2(count / total) for count in counts.values())
