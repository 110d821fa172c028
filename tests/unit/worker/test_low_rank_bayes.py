"""Ranks by variational Bayes, against matrices of known rank and the formulas computed one number at a time."""

import math

import numpy as np
import pytest

from edgepress_worker.low_rank.bayes import bayes_rank, free_energy, threshold


def matrix(rank: int, rows: int, columns: int, seed: int, noise: float = 0.1) -> np.ndarray:
    """Return a matrix of a known rank, with noise."""
    random = np.random.default_rng(seed)
    signal = random.normal(size=(rows, rank)) @ random.normal(size=(rank, columns))
    return signal + noise * random.normal(size=(rows, columns))


def rank_of(noisy: np.ndarray) -> int:
    """Return its rank by variational Bayes."""
    return bayes_rank(np.linalg.svd(noisy, compute_uv=False) ** 2, *noisy.shape)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("rank", "rows", "columns"), [(1, 20, 30), (5, 64, 64), (12, 200, 40), (30, 64, 576)])
def test_the_rank_below_the_noise_is_found(rank: int, rows: int, columns: int, seed: int) -> None:
    """A tenth of noise hides nothing, in wide, high and square matrices, at any scale."""
    noisy = matrix(rank, rows, columns, seed)
    assert rank_of(noisy) == rank
    assert rank_of(1e-4 * noisy) == rank


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_has_no_rank(seed: int) -> None:
    """Neither does a matrix of zeros; a matrix without noise has all of its rank."""
    assert rank_of(np.random.default_rng(seed).normal(size=(60, 90))) == 0
    assert rank_of(np.zeros((4, 6))) == 0
    assert rank_of(matrix(3, 20, 30, seed, noise=0)) == 3


@pytest.mark.parametrize("alpha", [1.0, 0.5, 0.01])
def test_the_threshold_is_the_zero_of_its_equation(alpha: float) -> None:
    """The paper approximates tau by 2.5129 times the root of alpha; it is exact for alpha 1."""

    def phi(z: float) -> float:
        return math.log(1 + z) / z - 0.5

    # Solved for tau from the threshold: tau^2 + (1 + alpha - threshold) tau + alpha = 0.
    middle = threshold(alpha) - 1 - alpha
    tau = (middle + math.sqrt(middle**2 - 4 * alpha)) / 2
    assert phi(tau) + phi(tau / alpha) == pytest.approx(0, abs=1e-9)
    if alpha == 1:
        assert tau == pytest.approx(2.5129, abs=1e-4)


def test_the_free_energy_is_that_of_the_formula() -> None:
    """Number by number: x - log x for noise; for the others as the paper has it, with tau(x)."""
    alpha, least = 0.4, threshold(0.4)
    scaled = np.array([50.0, 9.0, 2.0, 0.3])
    expected = 0.0
    for x in scaled:
        if x <= least:
            expected += x - math.log(x)
        else:
            tau = ((x - 1 - alpha) + math.sqrt((x - 1 - alpha) ** 2 - 4 * alpha)) / 2
            expected += x - tau + math.log((tau + 1) / x) + alpha * math.log(tau / alpha + 1)
    assert free_energy(scaled, alpha, least) == pytest.approx(expected)
