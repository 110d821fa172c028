"""A stage in a line: its kind, and what tells it from others of its kind."""

from collections.abc import Iterator
from typing import assert_never

from edgepress_common.spec import (
    ClusterStage,
    DistillStage,
    LayerSelection,
    Network,
    PatternSchedule,
    PruneStage,
    QuantizeAwareStage,
    Stage,
    TrainStage,
    UploadedModel,
)
from edgepress_common.steps import StageStep


def stage_summary(step: StageStep) -> str:
    """As in ``cluster to 16 values (kmeans_plus_plus), zeros kept, 4 epochs``. What is as usual is not told."""
    return ", ".join(_parts(step))


def _parts(step: StageStep) -> Iterator[str]:
    stage, training = step.stage, step.training
    yield _done(stage, step.model)
    if isinstance(stage, ClusterStage):
        yield from _kept(zeros=stage.preserve_sparsity, shared_values=False)
    if isinstance(stage, QuantizeAwareStage):
        yield from _kept(zeros=stage.preserve_sparsity, shared_values=stage.preserve_clusters)
    if isinstance(stage, PruneStage | ClusterStage | QuantizeAwareStage) and stage.layers != LayerSelection():
        yield _layers(stage.layers)
    most = "at most " if training.early_stopping is not None else ""
    yield f"{most}{training.epochs} epoch{'' if training.epochs == 1 else 's'}"


def _done(stage: Stage, network: Network) -> str:
    match stage:
        case TrainStage():
            return f"train {_network(network)}"
        case DistillStage():
            return f"distill into {_network(network)}"
        case PruneStage(schedule=PatternSchedule() as schedule):
            return f"prune {schedule.pattern}"
        case PruneStage(schedule=schedule):
            return f"prune to {100 * schedule.final_sparsity:g} % ({schedule.kind})"
        case ClusterStage():
            each = " a channel" if stage.per_channel else ""
            return f"cluster to {stage.clusters} values{each} ({stage.centroids})"
        case QuantizeAwareStage():
            return "quantize_aware"
        case _ as unknown:
            assert_never(unknown)


def _network(network: Network) -> str:
    if isinstance(network, UploadedModel):
        return f"the uploaded {network.sha256[:12]}"
    width = "" if network.width == 1 else f" {network.width:g}"
    weights = "" if network.weights == "none" else f" from {network.weights}"
    return f"{network.architecture}{width}{weights}"


def _kept(*, zeros: bool | None, shared_values: bool | None) -> Iterator[str]:
    kept = [name for name, is_kept in (("zeros", zeros), ("shared values", shared_values)) if is_kept]
    if kept:
        yield f"{' and '.join(kept)} kept"


def _layers(layers: LayerSelection) -> str:
    without = f" without {' '.join(layers.exclude)}" if layers.exclude else ""
    return f"layers {' '.join(layers.include)}{without}"
