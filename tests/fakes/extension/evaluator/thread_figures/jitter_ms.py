"""Measures how far the slowest inference is from the fastest."""

from edgepress_evaluator.measure.latency import TimedPass


def measure(timed: TimedPass) -> float:
    """Return the difference, in milliseconds."""
    return float(timed.latencies_ms.max() - timed.latencies_ms.min())
