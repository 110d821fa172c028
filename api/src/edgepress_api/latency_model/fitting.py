"""Fits the latency of networks on the work of their operators.

1. The latency of a network is a sum of terms: a time for each operator, each multiply-accumulate operation, each weight
   (more for the weights of large operators, see `OperatorWork`) and each value. All times are 0 or more. That is what a
   processor does: it starts operators, multiplies, and moves weights and values.
2. The times minimize the squared relative errors (non-negative least squares). Networks that do not fit weigh less
   (Huber's weights, scaled by the median of the errors), because another program may have disturbed their measurement.
3. The error is that of networks which a fit did not see: the networks are divided into folds, and each fold is
   predicted from the others. The interval of a prediction is a quantile of these errors, chosen so that it holds for a
   further network as well (conformal prediction: Barber et al. 2021, Predictive inference with the jackknife+,
   doi:10.1214/20-AOS1965). It is a ratio: the interval from t / (1 + i) to t (1 + i).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from edgepress_api.latency_model.samples import Work
from edgepress_common.latency_table import predicted_ms, term_counts
from edgepress_common.results import OperatorWork

Floats = npt.NDArray[np.float64]

_FOLDS = 20
_LEAST_NETWORKS = 4  # fewer say nothing about a network that was not seen
_CONFIDENCE = 0.9  # more needs 19 networks at least
_ROUNDS = 10  # of reweighting; the weights settle after about five
_HUBER = 1.345  # 95 % as efficient as least squares if the errors are normal (Huber 1964, doi:10.1214/aoms/1177703732)
_TO_DEVIATION = 1.4826  # the standard deviation of normal errors, divided by the median of their absolute values
_LEAST_DEVIATION = 1e-3  # relative; no device measures more precisely


@dataclass(frozen=True)
class MeasuredNetwork:
    """A network that was measured.

    Attributes:
        work: Work of its operators.
        latency_ms: Its latency in milliseconds.
        files: Number of files with this work.
        is_probe: Whether only probes have it.
    """

    work: Work
    latency_ms: float
    files: int = 1
    is_probe: bool = False


@dataclass(frozen=True)
class Fit:
    """A fit, see the module.

    Attributes:
        networks: The networks that it is made from.
        terms: Milliseconds of each term.
        predicted_without: Latency of each network that the others predict; None with too few networks.
    """

    networks: tuple[MeasuredNetwork, ...]
    terms: Mapping[str, float]
    predicted_without: tuple[float | None, ...]

    def predict(self, work: Sequence[OperatorWork]) -> float | None:
        """Return the latency of a network in milliseconds; None if it has operators that no measured network has."""
        return predicted_ms(self.terms, work)

    @property
    def median_error(self) -> float | None:
        """Median relative error for networks that a fit did not see; None with too few networks."""
        errors = self._ratios()
        return median(errors) if errors else None

    @property
    def interval(self) -> float | None:
        """Half of the width of a prediction's interval, relative; None with too few networks."""
        ratios = sorted(self._ratios())
        return ratios[min(len(ratios), ceil(_CONFIDENCE * (len(ratios) + 1))) - 1] if ratios else None

    @property
    def confidence(self) -> float | None:
        """Probability that the latency of a further network is within the interval; None with too few networks."""
        count = len(self._ratios())
        return min(_CONFIDENCE, count / (count + 1)) if count else None

    def _ratios(self) -> list[float]:
        """Return by how much each prediction and measurement differ: the larger divided by the smaller, minus 1."""
        return [
            max(predicted, network.latency_ms) / min(predicted, network.latency_ms) - 1
            for network, predicted in zip(self.networks, self.predicted_without, strict=True)
            if predicted
        ]


def fit(networks: Sequence[MeasuredNetwork]) -> Fit:
    """Return the fit of measured networks; at least one."""
    counted = [term_counts(network.work) for network in networks]
    names = sorted({name for each in counted for name in each})
    counts = np.array([[each.get(name, 0.0) for name in names] for each in counted])
    times = np.array([network.latency_ms for network in networks])
    predicted: list[float | None] = [None] * len(networks)
    if len(networks) >= _LEAST_NETWORKS:
        for fold in range(min(_FOLDS, len(networks))):
            left_out = np.arange(len(networks)) % _FOLDS == fold
            found = counts[left_out] @ _solve(counts[~left_out], times[~left_out])
            for place, value in zip(np.flatnonzero(left_out), found, strict=True):
                predicted[place] = float(value)
    terms = dict(zip(names, _solve(counts, times).tolist(), strict=True))
    return Fit(tuple(networks), terms, tuple(predicted))


def _solve(counts: Floats, times: Floats) -> Floats:
    """Return the time of each term, see the module.

    Args:
        counts: What each network counts in each term, ``(networks, terms)``.
        times: Latency of each network in milliseconds, ``(networks,)``.
    """
    scale = np.maximum(counts.max(axis=0), 1.0)
    relative = counts / scale / times[:, np.newaxis]
    weights = np.ones(len(times))
    solution = np.zeros(len(scale))
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)
        solution, _residual = nnls(relative * root[:, np.newaxis], root)
        errors = np.abs(relative @ solution - 1)
        deviation = max(_TO_DEVIATION * float(np.median(errors)), _LEAST_DEVIATION)
        weights = np.minimum(1.0, _HUBER * deviation / np.maximum(errors, _LEAST_DEVIATION))
    per_unit: Floats = solution / scale
    return per_unit
