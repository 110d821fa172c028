"""Confidence intervals of accuracies and latencies, and tests whether two of them differ.

An accuracy is a share of a number of images; another sample of images would have given another. Intervals and tests of
single files account for that alone, not for the variation between trainings with different seeds: they speak about
these files, not about the methods that made them.

- `wilson`: the 95 % interval of a share (Wilson 1927). Unlike the common normal approximation it is right near 100 %.
- `mcnemar`: two files measured on the same images, where it is known which images each classifies correctly. McNemar's
  exact test (1947) looks at the images that only one of them gets right: if both were equally good, each such image
  would be a coin toss.
- `newcombe`: where that is not known, the 95 % interval of the difference of two independent shares (Newcombe 1998,
  method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I). It finds fewer differences
  significant.
- `paired_t`: two methods, each trained with the same few seeds. It is the only one of these that speaks about methods.

Latencies have an interval of their median, made from blocks of inferences: see `edgepress_evaluator.measure.latency`.
`medians_differ` compares two such medians.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, cos, exp, hypot, lgamma, log, pi, sin, sqrt
from typing import Literal

_Z = 1.959963984540054  # 97.5 % of the normal distribution lie below: 95 % between this and its negative
SIGNIFICANCE = 0.05
_NEGLIGIBLE = 1e-17  # relative to a sum: less than its last digit
# A file that is loaded again is faster or slower by a few percent, because its memory lies elsewhere, and an interval
# from one run does not include that (Mytkowicz et al. 2009, doi:10.1145/1508244.1508275).
LEAST_TIME_RATIO = 1.05
_NORMAL_MEDIAN = sqrt(pi / 2)  # standard error of a median, relative to that of a mean, of normal values

Test = Literal["mcnemar", "newcombe", "paired_t"]


@dataclass(frozen=True)
class Interval:
    """A closed interval."""

    low: float
    high: float


def wilson(share: float, count: int) -> Interval:
    """Return the 95 % interval of a share of a number of images.

    Args:
        share: 0 to 1.
        count: Number of images, at least 1.
    """
    square = _Z * _Z / count
    centre = (share + square / 2) / (1 + square)
    half = _Z * sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def newcombe(share: float, count: int, other_share: float, other_count: int) -> Interval:
    """Return the 95 % interval of ``share - other_share``."""
    one, other = wilson(share, count), wilson(other_share, other_count)
    difference = share - other_share
    return Interval(
        difference - sqrt((share - one.low) ** 2 + (other.high - other_share) ** 2),
        difference + sqrt((one.high - share) ** 2 + (other_share - other.low) ** 2),
    )


def median_interval(p50: float, std: float, runs: int) -> Interval:
    """Return the 95 % interval of a median of which only the standard deviation is known, as of normal values.

    Args:
        p50: The median.
        std: Standard deviation of the single values.
        runs: Number of values, at least 1.
    """
    half = _Z * _NORMAL_MEDIAN * std / sqrt(runs)
    return Interval(p50 - half, p50 + half)


def medians_differ(one: float, one_interval: Interval, other: float, other_interval: Interval) -> bool:
    """Return whether two median times differ significantly.

    They do if they differ by more than `LEAST_TIME_RATIO`, and the 95 % interval of their difference does not contain
    0. The interval is combined from those of the medians as `newcombe` combines those of shares (Zou and Donner 2008,
    doi:10.1002/sim.3095).
    """
    (low, low_interval), (high, high_interval) = sorted(
        ((one, one_interval), (other, other_interval)), key=lambda each: each[0]
    )
    uncertainty = hypot(low_interval.high - low, high - high_interval.low)
    return high > LEAST_TIME_RATIO * low and high - low > uncertainty


def mcnemar(only_one: int, only_other: int) -> float:
    """Return the p-value of McNemar's exact test, two-sided.

    Args:
        only_one: Images that only the one file classifies correctly.
        only_other: Images that only the other file classifies correctly.
    """
    tosses, hits = only_one + only_other, min(only_one, only_other)
    # From the likeliest outcome of the tail downwards, each from the one before, as long as they count.
    term = exp(lgamma(tosses + 1) - lgamma(hits + 1) - lgamma(tosses - hits + 1) - tosses * log(2))
    tail = 0.0
    while hits >= 0 and term > _NEGLIGIBLE * tail:
        tail += term
        term *= hits / (tosses - hits + 1)
        hits -= 1
    return min(1.0, 2 * tail)


def paired_t(differences: Sequence[float], resolution: float) -> float:
    """Return the p-value of the paired t-test, two-sided: whether a mean difference over seeds is not 0.

    Args:
        differences: Difference of the two methods with each seed; at least two.
        resolution: Smallest step of the values, as one image. Differences that happen to be equal are not taken for
            exact: their standard deviation is at least that of rounding both values.
    """
    count = len(differences)
    mean = sum(differences) / count  # the module `statistics` would make every command of the client start later
    deviation = sqrt(sum((each - mean) ** 2 for each in differences) / (count - 1))
    error = max(deviation, resolution / sqrt(6)) / sqrt(count)
    return 1 - _within(abs(mean) / error, count - 1)


def _within(t: float, degrees: int) -> float:
    """Return the probability that Student's t is within -t and t: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(degrees))
    is_odd = degrees % 2
    term = cos(angle) if is_odd else 1.0
    total = 0.0
    for power in range(is_odd, degrees - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * cos(angle) ** 2
    return 2 / pi * (angle + sin(angle) * total) if is_odd else sin(angle) * total


def discordant(right: str, other_right: str) -> tuple[int, int]:
    """Return how many images only the one file classifies correctly, and how many only the other.

    Args:
        right: Bits as in `edgepress_common.results.EvaluationResult.right_images`.
        other_right: Bits of the other file, for the same images.
    """
    one, other = (int.from_bytes(base64.b64decode(text)) for text in (right, other_right))
    return (one & ~other).bit_count(), (other & ~one).bit_count()
