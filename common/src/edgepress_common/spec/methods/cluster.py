"""Weight clustering."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.method import LargeKernelTuning, Method
from edgepress_common.spec.model import Network


class ClusterStage(LargeKernelTuning):
    """Let the weights of each layer share a few values, and train these values."""

    kind: Literal["cluster"] = "cluster"
    clusters: int = Field(
        default=16, ge=2, le=256, description="Number of values per layer (or channel), including a preserved zero."
    )
    centroids: Literal["linear", "random", "density", "kmeans_plus_plus"] = Field(
        default="kmeans_plus_plus", description="Initialization of the values."
    )
    per_channel: bool = Field(
        default=False, description="Use separate values for each output channel instead of one set per layer."
    )
    preserve_sparsity: bool | None = Field(
        default=None, description="Whether zeros stay zero. null: yes if the network was pruned."
    )


def _describe(stage: ClusterStage, _network: Network) -> str:
    each = " a channel" if stage.per_channel else ""
    return f"cluster to {stage.clusters} values{each} ({stage.centroids})"


def _conflict(earlier: ClusterStage, position: int, stage: ClusterStage) -> str | None:
    """Return a problem if the second clustering has more values: it can only merge values."""
    comparable = earlier.layers == stage.layers and (stage.per_channel or not earlier.per_channel)
    if stage.clusters <= earlier.clusters or not comparable:
        return None
    return (
        f".clusters is {stage.clusters}, but stages[{position}] has reduced the same layers to {earlier.clusters} "
        f"values; accepted: {earlier.clusters} or fewer"
    )


METHOD = Method(
    kind="cluster",
    title="Weight clustering",
    position=30,
    summary="Lets all weights of a layer share a few values, and trains both the values and their assignment. This "
    "makes the zipped file smaller: 16 values need half a byte per weight. Zeros of a pruned network stay zero.",
    paper="Han et al. 2015, Deep Compression, arXiv:1510.00149",
    limits="Applies to convolutions and dense layers, not to depthwise convolutions. Neither reduces the size of the "
    "unzipped file nor the latency. A layer with fewer weights than values is not changed. A converter folds a "
    "following normalization into the weights; a float file then has that many values per output channel rather than "
    "per layer.",
    cost="Per step, a search for the nearest value of each weight, in log2(values) comparisons, and a sum over the "
    "weights of each value.",
    parameters=ClusterStage,
    describe=_describe,
    gives=frozenset({"shared_values"}),
    keeps={"zeros": "preserve_sparsity", "shared_values": None, "shape": None},
    conflict=_conflict,
    promises=("unique_weights", "unique_weights_per_channel"),
)
