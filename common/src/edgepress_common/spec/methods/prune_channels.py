"""Channel pruning."""

from typing import Literal, Self

from pydantic import Field, model_validator

from edgepress_common.frozen import Frozen
from edgepress_common.spec.method import LargeKernelTuning, Method
from edgepress_common.spec.model import Network
from edgepress_common.spec.teaching import SOURCE, TEACHER, Teacher


class ChannelTarget(Frozen):
    """How much of a network is kept when channels are removed."""

    of: Literal["channels", "macs", "weights"] = Field(
        default="macs",
        description="What is counted in convolutions and dense layers: output channels, multiply-accumulate "
        "operations (MACs) of an inference, or weights without biases.",
    )
    keep: float = Field(default=0.5, gt=0, lt=1, description="Share of the input network that is kept, at most.")


class PruneChannelsStage(LargeKernelTuning):
    """Remove the least important channels, and continue to train the smaller network."""

    kind: Literal["prune_channels"] = "prune_channels"
    target: ChannelTarget = Field(default=ChannelTarget(), description="How small the network becomes.")
    criterion: Literal["l1", "l2", "fpgm", "bn_scale", "taylor", "thinet", "random"] = Field(
        default="l1",
        description="Importance of a channel. l1, l2: norm of its filter; fpgm: distance of its filter from the "
        "others; bn_scale: factor of the normalizations on it; taylor: estimated change of the loss without it; "
        "thinet: error of the next layer without it, whose weights are then rescaled; random: a control.",
    )
    allocation: Literal["uniform", "global", "sensitivity"] = Field(
        default="uniform",
        description="How many channels each layer loses. uniform: all layers the same share; global: the least "
        "important channels of the network; sensitivity: the least where the loss grows most without them.",
    )
    multiple_of: int = Field(
        default=16, ge=1, le=256, description="A layer that loses channels keeps a multiple of this number."
    )
    min_channels: int | None = Field(
        default=None, ge=1, le=4096, description="Number of channels that each layer keeps at least. null: multiple_of."
    )
    teacher: Teacher = Field(default=SOURCE, description=TEACHER)
    rounds: int = Field(
        default=1,
        ge=1,
        le=100,
        description="Number of rounds in which channels are removed; the epochs are divided among the rounds.",
    )

    @model_validator(mode="after")
    def _each_round_trains(self) -> Self:
        if self.rounds > self.epochs:
            raise ValueError(
                f"rounds is {self.rounds}, but epochs is {self.epochs}; accepted: at most as many rounds as epochs"
            )
        return self


def _describe(stage: PruneChannelsStage, _network: Network) -> str:
    rounds = f" in {stage.rounds} rounds" if stage.rounds > 1 else ""
    kept = f"{100 * stage.target.keep:g} % of the {_COUNTED[stage.target.of]}"
    return f"prune channels to {kept} ({stage.criterion}, {stage.allocation}){rounds}"


_COUNTED = {"channels": "channels", "macs": "MACs", "weights": "weights"}

METHOD = Method(
    kind="prune_channels",
    title="Channel pruning",
    position=14,
    summary="Removes whole channels of convolutions and dense layers, the least important ones by a criterion, and "
    "trains the smaller network that is left, with the network that it came from as its teacher. The result is a plain "
    "network with less arithmetic: smaller and faster on every board, in every export. Channels that other layers add "
    "or multiply together are removed together.",
    paper="Li et al. 2017, Pruning Filters for Efficient ConvNets, arXiv:1608.08710",
    limits="Comes after train or distill, before prune, cluster and quantize_aware. The channels of the classifier and "
    "of grouped convolutions are never removed, and a layer can only lose channels if all layers that its channels are "
    "tied to are selected. Needs more epochs than the other methods: compare with the same narrow network, trained "
    "from the beginning.",
    cost="An epoch costs what an epoch of the smaller network costs, and the teacher's predictions. Choosing the "
    "channels takes seconds; for taylor and thinet, and for the statistics of normalizations, a few batches.",
    parameters=PruneChannelsStage,
    describe=_describe,
    gives=frozenset({"shape"}),
    keeps={"shape": None},
    undoes={"zeros": "it would train the remaining weights, zeros among them"},
    promises=("channels", "macs", "weights"),
)
