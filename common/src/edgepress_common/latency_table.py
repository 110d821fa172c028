"""The latency of a network on a device, predicted from the work of its operators.

The gateway fits the times (`edgepress_api.latency_model`). A table has them for one device and one export, so that a
worker predicts networks without a database.
"""

from collections.abc import Mapping, Sequence

from edgepress_common.frozen import Frozen
from edgepress_common.results.work import OperatorWork
from edgepress_common.spec.exports import Export

TERMS = ("calls", "macs", "weights", "weight_traffic", "values")
"""Figures of the work of a kind of operator that a fit has a time for."""

# Parameters of an export that change its weights or its bytes, but not its operators.
_WITHOUT_EFFECT = {"kind", "calibration", "encoding", "sensitivity"}


class Prediction(Frozen):
    """A predicted latency in milliseconds, with its interval.

    Attributes:
        confidence: Share of networks whose latency is expected within the interval.
    """

    threads: int
    ms: float
    low_ms: float
    high_ms: float
    confidence: float


class TermTimes(Frozen):
    """The fit for one number of threads.

    Attributes:
        threads: Number of interpreter threads.
        terms: Milliseconds of each term, such as ``convolution macs``; 0 or more.
        interval: Half of the width of a prediction's interval, relative: it is from t / (1 + i) to t (1 + i).
        confidence: See `Prediction`.
    """

    threads: int
    terms: dict[str, float]
    interval: float
    confidence: float


class LatencyTable(Frozen):
    """The latency model of a device for one export.

    Attributes:
        device: Name of the device.
        export: See `export_name`.
        runtime: Interpreter of the measurements.
        processor: Processor of the measurements.
        fits: The fits, by number of threads.
    """

    device: str
    export: str
    runtime: str
    processor: str
    fits: tuple[TermTimes, ...]

    def predict(self, work: Sequence[OperatorWork]) -> Prediction | None:
        """Return the latency of a network with the number of threads that it is fastest with.

        More work is never predicted to take less time.

        Args:
            work: Work of the network's operators.

        Returns:
            None if the network has operators that no measured network has.
        """
        found = []
        for fit in self.fits:
            ms = predicted_ms(fit.terms, work)
            if ms is not None:
                low, high = ms / (1 + fit.interval), ms * (1 + fit.interval)
                found.append(
                    Prediction(threads=fit.threads, ms=ms, low_ms=low, high_ms=high, confidence=fit.confidence)
                )
        return min(found, key=lambda each: each.ms, default=None)


def term_counts(work: Sequence[OperatorWork]) -> dict[str, float]:
    """Return what a network counts in each term; terms of kinds that it does not have are left out."""
    return {f"{each.kind} {name}": float(count) for each in work for name in TERMS if (count := getattr(each, name))}


def predicted_ms(terms: Mapping[str, float], work: Sequence[OperatorWork]) -> float | None:
    """Return the latency of a network in milliseconds; None if it has operators without a term.

    Args:
        terms: Milliseconds of each term.
        work: Work of the network's operators.
    """
    counts = term_counts(work)
    if not counts.keys() <= terms.keys():
        return None
    return sum(count * terms[name] for name, count in counts.items()) or None


def export_name(export: Export) -> str:
    """Return what files with equal operators and types have in common: the kind, and parameters that change them."""
    other = export.model_dump(mode="json", exclude_defaults=True, exclude=_WITHOUT_EFFECT)
    return " ".join([export.kind, *(f"{name}={value}" for name, value in sorted(other.items()))])
