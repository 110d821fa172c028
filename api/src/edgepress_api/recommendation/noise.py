"""How far an accuracy can be trusted, and which differences between two are none.

An accuracy is a share of so many images; another draw of images would have given another. What is said here is about
that alone: not about training again with another seed.

- The **interval** is Wilson's (1927): 95 of 100 such intervals hold the accuracy that all the images there could be
  would give. Unlike the common one it is right near 100 %, where good networks are.
- Of two files measured on the same images it is known which images each gets right. Then **McNemar's exact test**
  (1947) looks at the images that one gets right and the other does not: were the two equally good, each such image
  would be a coin toss.
- Where that is not known (results of earlier versions, other images), the **interval of the difference** of two
  independent shares by Newcombe (1998, method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I)
  has to do. It is the more cautious: it sees fewer differences.
"""

import base64
from dataclasses import dataclass
from math import exp, lgamma, log, sqrt
from typing import Literal

_Z = 1.959963984540054  # of the normal distribution, 97.5 % lies below: 95 % between it and its negative
SIGNIFICANCE = 0.05
_NEGLIGIBLE = 1e-17  # beside a sum: less than its last digit

Test = Literal["mcnemar", "newcombe"]


@dataclass(frozen=True)
class Interval:
    """From where to where."""

    low: float
    high: float


def wilson(share: float, count: int) -> Interval:
    """The 95 % interval of a share of a number of images.

    Args:
        share: 0 to 1.
        count: At least 1.
    """
    square = _Z * _Z / count
    centre = (share + square / 2) / (1 + square)
    half = _Z * sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def newcombe(share: float, count: int, other_share: float, other_count: int) -> Interval:
    """The 95 % interval of ``share - other_share``."""
    one, other = wilson(share, count), wilson(other_share, other_count)
    difference = share - other_share
    return Interval(
        difference - sqrt((share - one.low) ** 2 + (other.high - other_share) ** 2),
        difference + sqrt((one.high - share) ** 2 + (other_share - other.low) ** 2),
    )


def mcnemar(only_one: int, only_other: int) -> float:
    """Probability of a split at least as uneven, were both equally good: two-sided, exact.

    Args:
        only_one: Images that only the one gets right.
        only_other: Images that only the other gets right.
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


def discordant(right: str, other_right: str) -> tuple[int, int]:
    """How many images only the one gets right, and how many only the other.

    Args:
        right: As `edgepress_common.results.EvaluationResult.right_images` has it.
        other_right: Likewise, over the same images.
    """
    one, other = (int.from_bytes(base64.b64decode(text)) for text in (right, other_right))
    return (one & ~other).bit_count(), (other & ~one).bit_count()
