"""Chooses the layers to replace, and their ranks: only layers that then need fewer MACs and fewer weights.

A rank by energy is the smallest one whose singular values have a share of the sum of squares. For a target, that share
is the same for all layers, and the largest with which the network meets the target: a layer whose spectrum falls
quickly loses more channels than one whose spectrum is flat.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import assert_never

import numpy as np

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec.methods.factorize import BayesRank, EnergyRank, FactorizeStage, TargetRank
from edgepress_worker.compression.kernels import SHARED_OR_ZERO, find_kernels, select
from edgepress_worker.keras_cost import LayerCost, layer_costs, macs, places_of_inputs, weights
from edgepress_worker.keras_environment import keras
from edgepress_worker.low_rank.bayes import bayes_rank
from edgepress_worker.low_rank.decomposition import Decomposition, Ranks

_BISECTIONS = 40  # of the interval of energies: two ranks of a layer differ by more than 2^-40 of its energy


@dataclass(frozen=True)
class Cost:
    """Multiply-accumulate operations of one inference, and the weights that these multiply."""

    macs: int
    weights: int


@dataclass(frozen=True)
class Candidate:
    """A layer that can be replaced.

    Attributes:
        layer: Name of the layer.
        decomposition: Spectra of its weights.
        cost: Cost of the layer itself.
        places_in: Places of its inputs, in all calls together.
    """

    layer: str
    decomposition: Decomposition
    cost: LayerCost
    places_in: int

    def cost_at(self, ranks: Ranks) -> Cost:
        """Return the cost of the layers that would replace it."""
        sizes = self.decomposition.sizes(ranks)
        places = self.cost.macs // self.cost.weights
        entered = places if self.decomposition.is_matrix else self.places_in
        return Cost(
            macs=sum(size * at for size, at in zip(sizes, (entered, places, places), strict=True)), weights=sum(sizes)
        )

    def saves(self, ranks: Ranks) -> bool:
        """Return whether replacing the layer saves both MACs and weights."""
        cost = self.cost_at(ranks)
        return cost.macs < self.cost.macs and cost.weights < self.cost.weights


Choice = Mapping[str, tuple[Candidate, Ranks]]
"""The layers to replace by name, with their ranks."""


def choose_ranks(network: keras.Model, stage: FactorizeStage) -> Choice:
    """Return the layers to replace.

    Args:
        network: The network in float32.
        stage: Selection of layers, rule for the ranks, and the number that ranks are rounded up to a multiple of.

    Raises:
        InvalidInputError: A pattern matches no layer, no layer gets cheaper, or the target can't be met.
    """
    candidates = _candidates(network, stage)
    match stage.rank:
        case EnergyRank(energy=energy):
            choice = _saving(candidates, lambda each: _at_energy(each, energy), stage.multiple_of)
        case BayesRank():
            choice = _saving(candidates, _at_bayes, stage.multiple_of)
        case TargetRank() as target:
            choice = _meeting(target, candidates, layer_costs(network), stage.multiple_of)
        case _ as unknown:
            assert_never(unknown)
    if not choice:
        raise InvalidInputError(
            f"factorize replaces no layer: at its ranks, rounded up to multiples of {stage.multiple_of}, no selected "
            "layer needs both fewer MACs and fewer weights than now; accepted: a rank with less energy or a target, a "
            "smaller multiple_of, or other layers"
        )
    return choice


def _candidates(network: keras.Model, stage: FactorizeStage) -> list[Candidate]:
    costs = {cost.layer: cost for cost in layer_costs(network)}
    places = places_of_inputs(network)
    return [
        Candidate(
            kernel.layer,
            Decomposition(keras.backend.get_value(kernel.variable)),
            costs[kernel.layer],
            places[kernel.layer],
        )
        for kernel in select(find_kernels(network), stage.layers, SHARED_OR_ZERO)
        if getattr(network.get_layer(kernel.layer), "groups", 1) == 1
    ]


def _at_energy(candidate: Candidate, energy: float) -> Ranks:
    """Return the smallest ranks that keep a share of the squared singular values."""
    ranks = []
    for squared in candidate.decomposition.spectra:
        kept = np.cumsum(squared)
        ranks.append(1 + int(np.searchsorted(kept, energy * kept[-1])) if kept[-1] else 1)
    return tuple(ranks)


def _at_bayes(candidate: Candidate) -> Ranks:
    """Return the ranks that are not explained by noise; at least 1."""
    decomposition = candidate.decomposition
    return tuple(
        max(1, bayes_rank(squared, *shape))
        for squared, shape in zip(decomposition.spectra, decomposition.unfolded_shapes, strict=True)
    )


def _saving(candidates: Sequence[Candidate], ranks_of: Callable[[Candidate], Ranks], multiple_of: int) -> Choice:
    """Return the candidates that get cheaper, with their ranks rounded up."""
    rounded = [(each, _rounded(ranks_of(each), each.decomposition.full, multiple_of)) for each in candidates]
    return {each.layer: (each, ranks) for each, ranks in rounded if each.saves(ranks)}


def _rounded(ranks: Ranks, full: Ranks, multiple_of: int) -> Ranks:
    return tuple(min(ceil(rank / multiple_of) * multiple_of, most) for rank, most in zip(ranks, full, strict=True))


def _meeting(
    target: TargetRank, candidates: Sequence[Candidate], costs: Sequence[LayerCost], multiple_of: int
) -> Choice:
    """Return the choice with the most energy that meets a target."""
    whole = macs(costs) if target.of == "macs" else weights(costs)

    def choice(energy: float) -> Choice:
        return _saving(candidates, lambda each: _at_energy(each, energy), multiple_of)

    def share(chosen: Choice) -> float:
        saved = sum(
            getattr(each.cost, target.of) - getattr(each.cost_at(ranks), target.of) for each, ranks in chosen.values()
        )
        return (whole - saved) / whole

    least = share(choice(0.0))
    if least > target.share:
        raise InvalidInputError(
            f"rank.share is {target.share:g} of the {target.of}, but at ranks of {multiple_of}, the smallest that "
            f"multiple_of allows, {least:.4f} of the {target.of} are left; accepted: {ceil(1e4 * least) / 1e4:g} or "
            "more, a smaller multiple_of, or more layers"
        )
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if share(choice(middle)) <= target.share else (low, middle)
    return choice(low)
