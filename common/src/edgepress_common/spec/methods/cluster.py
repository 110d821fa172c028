"""Weight clustering."""

from typing import Literal, Self

from pydantic import Field, model_validator

from edgepress_common.frozen import added_field
from edgepress_common.promises import Block
from edgepress_common.spec.method import ENTROPY_WEIGHT, LargeKernelTuning, Method
from edgepress_common.spec.model import Network

_MOST_VALUES = 256  # codes of int8
_MOST_BLOCKS = 4096  # each training step compares each block of weights with all of them
_MOST_HASHED = 65_536


class ClusterStage(LargeKernelTuning):
    """Let the weights of each layer share a few values, and train these values."""

    kind: Literal["cluster"] = "cluster"
    clusters: int = Field(
        default=16,
        ge=2,
        le=_MOST_HASHED,
        description="Number of values per layer (or channel), including a preserved zero: at most 256; with a block, "
        "number of blocks: at most 4,096; with centroids: hashed, a power of two",
    )
    centroids: Literal["linear", "random", "density", "kmeans_plus_plus", "hashed"] = Field(
        default="kmeans_plus_plus",
        description="Initialization of the values. hashed: a hash assigns each weight its value, instead of the "
        "nearest value",
    )
    per_channel: bool = Field(
        default=False, description="Use separate values for each output channel instead of one set per layer."
    )
    preserve_sparsity: bool | None = Field(
        default=None,
        description="Whether zeros stay zero. null: yes if the network was pruned; no with a block or hashed values.",
    )
    block: Block = added_field(
        default="weight",
        description="What is shared. weight: single values; kernel: the kernel of a convolution between two channels; "
        "1xN: the weights of N neighbouring input channels",
    )

    entropy_weight: float = added_field(
        default=0.0, ge=0, le=1000, description=f"{ENTROPY_WEIGHT}. Only for values per layer, with block: weight"
    )

    @model_validator(mode="after")
    def _can_share(self) -> Self:
        is_hashed = self.centroids == "hashed"
        if self.block != "weight" and self.centroids != "kmeans_plus_plus":
            raise ValueError(
                f"centroids is {self.centroids} with block: {self.block}; accepted: centroids: kmeans_plus_plus, or "
                "block: weight"
            )
        what = f"block: {self.block}" if self.block != "weight" else "centroids: hashed" if is_hashed else None
        if what is not None and self.preserve_sparsity is None:
            # A validator before the others would make them read a JSON spec as Python, where a list is not a tuple.
            self.__dict__["preserve_sparsity"] = False
        if what is not None and (self.per_channel or self.preserve_sparsity):
            option = "per_channel" if self.per_channel else "preserve_sparsity"
            raise ValueError(f"{option} is true with {what}; accepted: {option}: false")
        if self.entropy_weight and (what is not None or self.per_channel):
            raise ValueError(
                f"entropy_weight is {self.entropy_weight:g} with {what or 'per_channel: true'}; accepted: 0, or one "
                "set of single values for each layer"
            )
        if is_hashed and self.clusters & (self.clusters - 1):
            raise ValueError(f"clusters is {self.clusters} with centroids: hashed; accepted: a power of two")
        most = _MOST_HASHED if is_hashed else _MOST_VALUES if what is None else _MOST_BLOCKS
        if self.clusters > most:
            raise ValueError(f"clusters is {self.clusters}; accepted here: 2 to {most}")
        return self


def _describe(stage: ClusterStage, _network: Network) -> str:
    each = " a channel" if stage.per_channel else ""
    shared = {"weight": "values", "kernel": "kernels"}.get(stage.block, f"blocks of {stage.block}")
    return f"cluster to {stage.clusters} {shared}{each} ({stage.centroids})"


def _conflict(earlier: ClusterStage, position: int, stage: ClusterStage) -> str | None:
    """Return a problem if the second clustering has more values: it can only merge values."""
    is_same = earlier.layers == stage.layers and _sharing(earlier) == _sharing(stage)
    comparable = is_same and (stage.per_channel or not earlier.per_channel)
    if stage.clusters <= earlier.clusters or not comparable:
        return None
    return (
        f".clusters is {stage.clusters}, but stages[{position}] has reduced the same layers to {earlier.clusters} "
        f"values; accepted: {earlier.clusters} or fewer"
    )


def _sharing(stage: ClusterStage) -> tuple[Block, bool]:
    return stage.block, stage.centroids == "hashed"


METHOD = Method(
    kind="cluster",
    title="Weight clustering",
    position=30,
    summary="Lets all weights of a layer share a few values, and trains both the values and their assignment. This "
    "makes the zipped file smaller: 16 values need half a byte per weight. Zeros of a pruned network stay zero. Blocks "
    "of weights can share values as well, or a hash can assign them: only the coded file is smaller for it.",
    paper="Han et al. 2015, Deep Compression, arXiv:1510.00149",
    limits="Applies to convolutions and dense layers, not to depthwise convolutions. Neither reduces the size of the "
    "unzipped file nor the latency. A layer with fewer weights than values, or that is not made of such blocks, is not "
    "changed. A converter folds a "
    "following normalization into the weights; a float file then has that many values per output channel rather than "
    "per layer.",
    cost="Per step, a search for the nearest value of each weight, in log2(values) comparisons, and a sum over the "
    "weights of each value. With a block, a product of all blocks and all shared blocks; no search for hashed values.",
    parameters=ClusterStage,
    describe=_describe,
    gives=frozenset({"shared_values"}),
    keeps={"zeros": "preserve_sparsity", "shared_values": None, "shape": None},
    conflict=_conflict,
    promises=(
        "unique_weights",
        "unique_weights_per_channel",
        "unique_blocks",
        "unique_blocks_per_channel",
        "hashed_weights",
    ),
)
