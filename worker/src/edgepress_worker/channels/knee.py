"""The allocation ``knee``: an evolutionary search for the best compromise between error and cost.

Zhou, Yen and Yi 2021, A Knee-Guided Evolutionary Algorithm for Compressing Deep Neural Networks,
doi:10.1109/TCYB.2019.2928174. There, each filter is a bit of the genome. Here, a genome is the number of units that
each group keeps, its most important ones by the criterion: so the search is about the allocation alone, and small.

1. The first population is allocated uniformly and globally, within the budget and below it.
2. Children take each number from one of two parents, then some go up or down by a level. A child beyond the budget goes
   down until it is within.
3. The next generation are the individuals of the first fronts (those that no other is better than in both objectives);
   within a front, the nearest to the ideal.
4. The result is the knee of all individuals: the one on the first front with the minimum Manhattan distance to the
   ideal, where each objective goes from 0 to 1 over the front.

There is no fine-tuning in the loop. The same seed has the same result, so an interrupted search is done again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgepress_worker.channels.allocation import Allocator, Counts, Kept
from edgepress_worker.channels.importance import Candidates
from edgepress_worker.channels.silencing import silence
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.training.statistics import statistics_estimator

# An evaluation costs two passes without gradients: with 256 images, the search as much as training 256 x 108 x 2 / 3,
# about 18,000 images, at the most.
IMAGES = 256
_POPULATION = 12
_GENERATIONS = 8

Objectives = npt.NDArray[np.float64]
"""Error and cost of individuals, ``(individuals, 2)``; less is better."""


def first_front(objectives: Objectives) -> npt.NDArray[np.bool_]:
    """Return whether no other individual is as good in both objectives and better in one, ``(individuals,)``."""
    no_worse = (objectives[:, None] <= objectives).all(axis=2)
    better = (objectives[:, None] < objectives).any(axis=2)
    return np.logical_not((no_worse & better).any(axis=0))


def distances(objectives: Objectives) -> npt.NDArray[np.float64]:
    """Return the Manhattan distances to the ideal, each objective relative to its range over the first front."""
    front = objectives[first_front(objectives)]
    ideal, worst = front.min(axis=0), front.max(axis=0)
    span = np.where(worst > ideal, worst - ideal, 1.0)
    return ((objectives - ideal) / span).sum(axis=1)


def knee(objectives: Objectives) -> int:
    """Return the individual of the first front with the minimum Manhattan distance to the ideal."""
    return int(np.where(first_front(objectives), distances(objectives), np.inf).argmin())


@dataclass(frozen=True)
class KneeSearch:
    """A search.

    Attributes:
        allocators: Allocators that the first population comes from, with the same groups, units and cost.
        error: Function that returns the error of the network with some units, 0 to 1.
        budget: Largest accepted cost.
        seed: Seed of the search.
    """

    allocators: Sequence[Allocator]
    error: Callable[[Kept], float]
    budget: float
    seed: int

    def run(self) -> Kept:
        """Return the units to keep.

        Raises:
            BudgetError: The network costs more even if each group keeps its smallest number.
        """
        random = np.random.default_rng(self.seed)
        known: dict[Counts, tuple[float, float]] = {}
        population = self._first(random)
        for _ in range(_GENERATIONS):
            self._measure(population, known)
            everyone = list(known)
            population = [everyone[number] for number in _nearest(np.array(list(known.values())))]
            population += [self._child(population, random) for _ in range(_POPULATION)]
        self._measure(population, known)
        return self._kept(list(known)[knee(np.array(list(known.values())))])

    def _first(self, random: np.random.Generator) -> list[Counts]:
        groups = self.allocators[0].bounds.groups
        least = self.allocators[0].cost(self._kept(tuple(levels[0] for levels in self._levels())))
        found = []
        for budget in np.linspace(self.budget, min(least, self.budget), _POPULATION // len(self.allocators) + 1)[:-1]:
            for allocator in self.allocators:
                kept = allocator.allocate(float(budget))
                found.append(tuple(int(kept[group.units].sum()) for group in groups))
        return found + [self._child(found, random) for _ in range(_POPULATION - len(found))]

    def _child(self, parents: Sequence[Counts], random: np.random.Generator) -> Counts:
        levels, pair = self._levels(), [parents[int(number)] for number in random.integers(len(parents), size=2)]
        chosen = random.integers(2, size=len(levels))
        places = [
            each.index(pair[which][number]) for number, (each, which) in enumerate(zip(levels, chosen, strict=True))
        ]
        for number in np.flatnonzero(random.random(len(levels)) < 2 / len(levels)):
            places[number] = int(np.clip(places[number] + random.choice([-1, 1]), 0, len(levels[number]) - 1))
        counts = [each[place] for each, place in zip(levels, places, strict=True)]
        while self.allocators[0].cost(self._kept(tuple(counts))) > self.budget:
            lowered = int(random.choice(np.flatnonzero(places)))
            places[lowered] -= 1
            counts[lowered] = levels[lowered][places[lowered]]
        return tuple(counts)

    def _measure(self, population: Sequence[Counts], known: dict[Counts, tuple[float, float]]) -> None:
        for counts in population:
            if counts not in known:
                kept = self._kept(counts)
                known[counts] = self.error(kept), self.allocators[0].cost(kept)

    def _levels(self) -> list[list[int]]:
        bounds = self.allocators[0].bounds
        return [bounds.levels(group) for group in bounds.groups]

    def _kept(self, counts: Counts) -> Kept:
        return self.allocators[0].kept(counts)


def _nearest(objectives: Objectives) -> list[int]:
    """Return the individuals that survive: by front, within a front by their distance to the ideal."""
    left, away = np.arange(len(objectives)), distances(objectives)
    chosen: list[int] = []
    while len(chosen) < _POPULATION and len(left):
        front = left[first_front(objectives[left])]
        chosen += front[np.argsort(away[front], kind="stable")].tolist()
        left = np.setdiff1d(left, front)
    return chosen[:_POPULATION]


def error_after_estimation(candidates: Candidates) -> Callable[[Kept], float]:
    """Return the function that measures the error of a network with some units, on the candidates' images.

    Removed units are silenced, so that one compiled network serves all choices. Its normalizations have the statistics
    of the same images.
    """
    network, flow = candidates.network, candidates.grouped.flow
    batches, before = list(candidates.batches()), network.get_weights()
    estimate = statistics_estimator(network)

    @tf.function(reduce_retracing=True)  # the last batch is smaller
    def wrong(pixels: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        hits = keras.metrics.categorical_accuracy(labels, network(pixels, training=False))
        return tf.reduce_sum(1 - hits)

    def error(kept: Kept) -> float:
        silence(flow, candidates.grouped.kept_channels(kept))
        estimate(pixels for pixels, _ in batches)
        total = sum(float(wrong(pixels, labels)) for pixels, labels in batches)
        network.set_weights(before)
        return total / sum(len(labels) for _, labels in batches)

    return error
