"""Which orders of stages make sense, and what a network still has of the stages before.

A network carries what was done to it from stage to stage: zeros from ``prune``, shared values from ``cluster``, int8's
grid from ``quantize_aware``. A stage that goes on training it keeps what is there unless told otherwise. ``train`` and
``distill`` give a new network, which has nothing of that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from edgepress_common.spec.stages import (
    ClusterStage,
    DistillStage,
    PatternSchedule,
    PruneStage,
    QuantizeAwareStage,
    Stage,
    TrainStage,
)


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
    """Looks whether each stage can work on what those before it give, and has something left to do.

    Raises:
        ValueError: One can't; with its position, the reason, and what would be accepted.
    """
    carried = Carried()
    done: dict[int, Stage] = {}  # to the present network, by position
    for position, stage in enumerate(stages):
        problem = _out_of_order(position, stage, carried) or _nothing_to_keep(stage, carried) or _undoing(stage, done)
        if problem is not None:
            raise ValueError(f"stages[{position}]{problem}")
        carried = after(carried, stage)
        done = {} if isinstance(stage, TrainStage | DistillStage) else done | {position: stage}


def _out_of_order(position: int, stage: Stage, carried: Carried) -> str | None:
    match stage:
        case TrainStage() if position > 0:
            return " is 'train', which would throw away what comes before it; accepted: train as the first stage only"
        case PruneStage() if carried.clusters:
            return (
                " is 'prune', but the network's weights share values by then: training on with some of them zero would "
                "take the others off these values; accepted: prune before cluster"
            )
        case PruneStage() | ClusterStage() | QuantizeAwareStage() if carried.grid:
            return (
                f" is {stage.kind!r}, but the network's weights lie on int8's grid by then, and training on would take "
                "them off it; accepted: quantize_aware last, or followed by distill"
            )
        case _:
            return None


def _nothing_to_keep(stage: Stage, carried: Carried) -> str | None:
    match stage:
        case ClusterStage(preserve_sparsity=True) | QuantizeAwareStage(preserve_sparsity=True) if not carried.zeros:
            return (
                ".preserve_sparsity is true, but the network has no zeros to keep by then; "
                "accepted: null, or prune before it and nothing that gives them up between"
            )
        case QuantizeAwareStage(preserve_clusters=True) if not carried.clusters:
            return (
                ".preserve_clusters is true, but the network's weights share no values by then; "
                "accepted: null, or cluster before it"
            )
        case _:
            return None


def _undoing(stage: Stage, done: Mapping[int, Stage]) -> str | None:
    """What a stage would have to undo: a second pruning only adds zeros, a second clustering only merges values."""
    for position, before in done.items():
        match before, stage:
            case PruneStage(), PruneStage(schedule=schedule) if before.layers == stage.layers:
                there, asked = before.schedule.final_sparsity, schedule.final_sparsity
                if asked < there and not isinstance(schedule, PatternSchedule):
                    return (
                        f".schedule.final_sparsity is {asked:g}, but stages[{position}] has made {there:g} of the same "
                        f"layers' weights zero, and they stay zero; accepted: {there:g} or more"
                    )
            case ClusterStage(), ClusterStage() if before.layers == stage.layers:
                comparable = stage.per_channel or not before.per_channel
                if stage.clusters > before.clusters and comparable:
                    return (
                        f".clusters is {stage.clusters}, but stages[{position}] has left the same layers "
                        f"{before.clusters} values; accepted: {before.clusters} or fewer"
                    )
            case _:
                pass
    return None


def _choice(asked: bool | None, there: bool) -> bool:  # noqa: FBT001 - two answers to one question
    return there if asked is None else asked
