"""Which orders of stages make sense, and what a network still has of the stages before.

A network carries what was done to it from stage to stage: zeros from ``prune``, shared values from ``cluster``, int8's
grid from ``quantize_aware``. A stage that goes on training it keeps what is there unless told otherwise. ``train`` and
``distill`` give a new network, which has nothing of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from edgepress_common.spec.stages import ClusterStage, DistillStage, PruneStage, QuantizeAwareStage, Stage, TrainStage


@dataclass(frozen=True)
class Carried:
    """What was done to a network and is still there.

    Attributes:
        zeros: Pruned weights are zero.
        clusters: Weights share few values.
        grid: Weights lie on int8's grid.
    """

    zeros: bool = False
    clusters: bool = False
    grid: bool = False


def after(carried: Carried, stage: Stage) -> Carried:
    """What a network carries after a stage, given what it carried before."""
    match stage:
        case TrainStage() | DistillStage():
            return Carried()
        case PruneStage():
            return replace(carried, zeros=True)
        case ClusterStage():
            return Carried(zeros=_choice(stage.preserve_sparsity, carried.zeros), clusters=True)
        case QuantizeAwareStage():
            return Carried(
                zeros=_choice(stage.preserve_sparsity, carried.zeros),
                clusters=_choice(stage.preserve_clusters, carried.clusters),
                grid=True,
            )
        case _ as unknown:
            assert_never(unknown)


def with_choices_made(stage: Stage, carried: Carried) -> Stage:
    """The stage with what it keeps said outright, where the spec left it open."""
    match stage:
        case ClusterStage():
            return stage.model_copy(
                update={"preserve_sparsity": _choice(stage.preserve_sparsity, carried.zeros)},
            )
        case QuantizeAwareStage():
            return stage.model_copy(
                update={
                    "preserve_sparsity": _choice(stage.preserve_sparsity, carried.zeros),
                    "preserve_clusters": _choice(stage.preserve_clusters, carried.clusters),
                }
            )
        case TrainStage() | PruneStage() | DistillStage():
            return stage
        case _ as unknown:
            assert_never(unknown)


def check_order(stages: Sequence[Stage]) -> None:
    """Looks whether each stage can work on what those before it give.

    Raises:
        ValueError: One can't; with its position, the reason, and what would be accepted.
    """
    carried = Carried()
    for position, stage in enumerate(stages):
        problem = _first_problem(position, stage, carried)
        if problem is not None:
            raise ValueError(f"stages[{position}] is {stage.kind!r}, {problem}")
        carried = after(carried, stage)


def _first_problem(position: int, stage: Stage, carried: Carried) -> str | None:
    match stage:
        case TrainStage() if position > 0:
            return "which would throw away what comes before it; accepted: train as the first stage only"
        case PruneStage() if carried.clusters:
            return (
                "but the network's weights share values by then: training on with some of them zero would take the "
                "others off these values; accepted: prune before cluster"
            )
        case PruneStage() | ClusterStage() | QuantizeAwareStage() if carried.grid:
            return (
                "but the network's weights lie on int8's grid by then, and training on would take them off it; "
                "accepted: quantize_aware last, or followed by distill"
            )
        case ClusterStage() | QuantizeAwareStage():
            return _nothing_to_keep(stage, carried)
        case _:
            return None


def _nothing_to_keep(stage: ClusterStage | QuantizeAwareStage, carried: Carried) -> str | None:
    if stage.preserve_sparsity and not carried.zeros:
        return "with preserve_sparsity, but nothing before it makes zeros; accepted: prune before it, or null"
    if isinstance(stage, QuantizeAwareStage) and stage.preserve_clusters and not carried.clusters:
        return "with preserve_clusters, but nothing before it makes clusters; accepted: cluster before it, or null"
    return None


def _choice(asked: bool | None, there: bool) -> bool:  # noqa: FBT001 - two answers to one question
    return there if asked is None else asked
