"""The rank of a noisy matrix by empirical variational Bayes, in closed form.

Nakajima, Sugiyama, Babacan and Tomioka 2013, Global Analytic Solution of Fully-observed Variational Bayesian Matrix
Factorization, Journal of Machine Learning Research 14. With L rows and M columns (L at most M), alpha = L / M, and x a
squared singular value in units of M times the variance of the noise:

1. A singular value is kept if x exceeds (1 + tau) (1 + alpha / tau), where tau is the zero of
   phi(tau) + phi(tau / alpha), with phi(z) = log(1 + z) / z - 1/2.
2. The variance of the noise minimizes the free energy, a function of one variable: see `free_energy`. It lies between
   bounds that follow from the singular values.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar

Numbers = npt.NDArray[np.float64]

_GRID = 100  # variances whose free energy is compared first: it can have several minima


def bayes_rank(squared: Numbers, rows: int, columns: int) -> int:
    """Return the number of singular values that are not explained by noise.

    Args:
        squared: Squared singular values, descending, ``(min(rows, columns),)``.
        rows: Rows of the matrix.
        columns: Columns of the matrix.
    """
    few, many = sorted((rows, columns))
    if not squared.any():
        return 0
    alpha = few / many
    least = threshold(alpha)

    def energy(logarithm: float) -> float:
        return free_energy(squared / (many * np.exp(logarithm)), alpha, least)

    # The logarithm, because the noise can be any small part of the matrix.
    lowest, highest = np.log(_variance_bounds(squared, few, many, least))
    grid = np.linspace(lowest, highest, _GRID)
    best = int(np.argmin([energy(each) for each in grid]))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)])
    variance = np.exp(minimize_scalar(energy, bounds=around, method="bounded").x)
    return int(np.count_nonzero(squared > many * variance * least))


def threshold(alpha: float) -> float:
    """Return the smallest x that is kept, for ``alpha`` above 0 and at most 1."""

    def phi(z: float) -> float:
        return float(np.log1p(z) / z - 0.5)

    # phi falls and is 0 at 2.5129, so the zero of the sum is between alpha times that and that.
    tau = brentq(lambda z: phi(z) + phi(z / alpha), 2.5 * alpha, 2.6)
    return float((1 + tau) * (1 + alpha / tau))


def free_energy(scaled: Numbers, alpha: float, least: float) -> float:
    """Return the free energy as a function of the noise's variance, up to factors and terms that do not depend on it.

    Args:
        scaled: x of all singular values, which contains the variance.
        alpha: Rows by columns, at most 1.
        least: The smallest x that is kept, see `threshold`.
    """
    scaled = np.maximum(scaled, np.finfo(float).tiny)  # a singular value of 0 has no logarithm
    kept, noise = scaled[scaled > least], scaled[scaled <= least]
    middle = kept - (1 + alpha)
    tau = (middle + np.sqrt(np.maximum(middle**2 - 4 * alpha, 0))) / 2
    of_kept = kept - tau + np.log((tau + 1) / kept) + alpha * np.log(tau / alpha + 1)
    return float(np.sum(noise - np.log(noise)) + np.sum(of_kept))


def _variance_bounds(squared: Numbers, few: int, many: int, least: float) -> tuple[float, float]:
    """Return bounds of the noise's variance.

    At most, all of the matrix is noise. At least, the singular values beyond the largest possible rank are.
    """
    rest = squared[min(int(np.ceil(few / (1 + few / many))) - 1, len(squared) - 1) :]
    highest = float(squared.sum()) / (few * many)
    tiny = highest * 1e-12  # a matrix without noise has no lower bound
    return max(float(rest[0]) / (many * least), float(rest.mean()) / many, tiny), highest * (1 + 1e-9)
