"""One round of channel pruning: which channels are removed, and the network without them.

1. The network's channels are grouped; groups are selected by the layers of the spec.
2. The criterion ranks units, the allocation chooses how many of them each group keeps within the budget.
3. The network is built without the other channels, and the statistics of its normalizations are estimated again.
"""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edgepress_common.results import ChannelGroup
from edgepress_common.spec.methods.prune_channels import PruneChannelsStage
from edgepress_worker.channels.allocation import Allocator, Bounds, BudgetError, Growth, Kept
from edgepress_worker.channels.groups import find_groups, prunable
from edgepress_worker.channels.importance import Batches, Candidates, Scores, importance
from edgepress_worker.channels.ising import ising_scores
from edgepress_worker.channels.knee import IMAGES, KneeSearch, error_after_estimation
from edgepress_worker.channels.reconstruction import Reconstruction, error_scores, reconstructions, rescale
from edgepress_worker.channels.sensitivity import loss_growth, trials
from edgepress_worker.channels.surgery import without_channels
from edgepress_worker.channels.targets import Target
from edgepress_worker.keras_environment import keras
from edgepress_worker.training.statistics import estimate_statistics

# Images that criteria and normalizations see: a mean over as many is known to 3 % of the deviation, 1 / sqrt(1024).
_IMAGES = 1024


@dataclass(frozen=True)
class Round:
    """Settings of one round.

    Attributes:
        stage: Parameters of the stage.
        target: What the stage counts.
        budget: Largest accepted cost after the round, in the unit of the target.
        batches: Function that returns the first training batches with about a number of images.
        images: Number of training images.
        seed: Seed of the criterion.
    """

    stage: PruneChannelsStage
    target: Target
    budget: float
    batches: Callable[[int], Batches]
    images: int
    seed: int


def prune_round(network: keras.Model, settings: Round) -> keras.Model:
    """Return the network without its least important channels; the network itself is not changed.

    Args:
        network: A network in float32.
        settings: Settings of the round.

    Raises:
        InvalidInputError: The network or its layers can't be pruned, or the budget can't be met.
    """
    stage = settings.stage
    grouped, groups = prunable(network, stage.layers)
    candidates = Candidates(network, grouped, groups, functools.partial(settings.batches, _IMAGES), settings.seed)
    rebuilt: tuple[Reconstruction, ...] = ()
    match stage.criterion:
        case "thinet":
            rebuilt = reconstructions(candidates)
            scores = error_scores(rebuilt, grouped.unit_count)
        case "ising":
            scores = ising_scores(candidates)
        case criterion:
            scores = importance(criterion, candidates)
    priced = settings.target.pruned(grouped.flow)

    def cost(kept: Kept) -> float:
        return priced(grouped.kept_channels(kept))

    floor = stage.multiple_of if stage.min_channels is None else stage.min_channels
    bounds = Bounds(groups, grouped.unit_count, multiple_of=stage.multiple_of, floor=floor)
    try:
        kept = _allocated(candidates, bounds, scores, cost, settings)
    except BudgetError as error:
        raise settings.target.unreachable(error.nearest, floor) from error
    narrow = without_channels(network, grouped.flow, grouped.kept_channels(kept))
    rescale(narrow, rebuilt, kept)
    estimate_statistics(narrow, (pixels for pixels, _ in settings.batches(_IMAGES)))
    return narrow


def _allocated(
    candidates: Candidates, bounds: Bounds, scores: Scores, cost: Callable[[Kept], float], settings: Round
) -> Kept:
    """Return the units to keep within the budget of a round."""

    def with_images(images: int) -> Candidates:
        return dataclasses.replace(candidates, batches=functools.partial(settings.batches, images))

    growth: Growth = ()
    match settings.stage.allocation:
        case "knee":
            kinds: tuple[Literal["uniform", "global"], ...] = ("uniform", "global")
            first = [Allocator(kind, bounds, scores, cost) for kind in kinds]
            return KneeSearch(first, error_after_estimation(with_images(IMAGES)), settings.budget, settings.seed).run()
        case "sensitivity":
            # So few images that all trials together cost about a third of an epoch: they compute no gradients.
            few = with_images(max(1, min(_IMAGES, settings.images // trials(bounds))))
            growth = loss_growth(few, bounds, scores)
        case "global":
            # Otherwise the last stage of a ResNet18, whose single channels matter least, is left with 16 of 512
            # channels at a quarter of the MACs, from which four epochs do not recover: see docs/results.md.
            bounds = bounds.at_least_half(Allocator("uniform", bounds, scores, cost).allocate(settings.budget))
        case "uniform":
            pass
    return Allocator(settings.stage.allocation, bounds, scores, cost, growth).allocate(settings.budget)


def compared_groups(before: keras.Model, after: keras.Model) -> tuple[ChannelGroup, ...]:
    """Return the groups of a network, with the number of their channels before and after channels were removed."""
    sizes = {group.layers: len(group) for group in find_groups(after).groups}
    return tuple(
        ChannelGroup(
            layers=group.layers, before=len(group), after=sizes[group.layers], ties=group.ties, fixed=group.fixed
        )
        for group in find_groups(before).groups
    )
