"""Channel pruning."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from edgepress_common.frozen import Frozen, added_field
from edgepress_common.spec.evaluation import DeviceSelector
from edgepress_common.spec.exports import ExportKind
from edgepress_common.spec.method import LargeKernelTuning, Method
from edgepress_common.spec.model import Network
from edgepress_common.spec.teaching import SOURCE, TEACHER, Teacher

_TIMES = ("ms", "milliseconds", "latency", "latency_ms")
_COUNTED = {"channels": "channels", "macs": "MACs", "weights": "weights"}


class LatencyTarget(Frozen):
    """A latency on a device that has measured files before, as its latency model predicts it."""

    device: DeviceSelector = Field(
        description="Name of the device (GET /v1/devices); its latency model must know the export."
    )
    ms: float = Field(
        gt=0,
        le=1e6,
        description="Median latency of one image in milliseconds, at most, with the number of evaluation.threads that "
        "is fastest.",
    )
    export: ExportKind = Field(default="int8", description="Export of the pipeline that it is the latency of.")

    @field_validator("device")
    @classmethod
    def _is_one_device(cls, device: str) -> str:
        if device == "any":
            raise ValueError("any is not a device, and has no latency model; accepted: the name of a device")
        return device


class ChannelTarget(Frozen):
    """How much of a network is kept when channels are removed."""

    of: Literal["channels", "macs", "weights"] = Field(
        default="macs",
        description="What is counted in convolutions and dense layers: output channels, multiply-accumulate "
        "operations (MACs) of an inference, or weights without biases.",
    )
    keep: float = Field(default=0.5, gt=0, lt=1, description="Share of the input network that is kept, at most.")
    latency: LatencyTarget | None = added_field(
        None, description="Latency on a device that is reached, instead of a share. null: of and keep decide."
    )

    @field_validator("of", mode="before")
    @classmethod
    def _is_counted(cls, of: Any) -> Any:
        if of in _TIMES:
            raise ValueError(
                f"{of} is not counted; accepted: channels, macs or weights, or target.latency with a device and ms"
            )
        return of

    @model_validator(mode="after")
    def _is_one_target(self) -> Self:
        fields = type(self).model_fields
        for name in ("of", "keep") if self.latency is not None else ():
            value = getattr(self, name)
            if value != fields[name].default:  # the default is in every spec that was stored
                raise ValueError(f"{name} is {value} next to latency; accepted: either of and keep, or latency")
        return self

    @property
    def words(self) -> str:
        """The target in words: ``50 % of the MACs``."""
        if self.latency is not None:
            return f"{self.latency.ms:g} ms on {self.latency.device} ({self.latency.export})"
        return f"{100 * self.keep:g} % of the {_COUNTED[self.of]}"


class Slimming(Frozen):
    """A training before channels are chosen, in which the factors of normalizations shrink towards zero."""

    epochs: int = Field(default=2, ge=1, le=1000, description="Number of epochs, which are part of those of the stage.")
    penalty: float = Field(
        default=0.1,
        gt=0,
        le=100,
        description="Weight of the sum of the absolute factors in the loss: each step reduces a factor by the learning "
        "rate times this. adam moves each weight by about the learning rate, so its values are between 0 and 1.",
    )
    learning_rate: float | None = Field(
        default=None, gt=0, le=10, description="Peak learning rate. null: ten times that of the stage."
    )
    auxiliary_classifiers: int = Field(
        default=0,
        ge=0,
        le=4,
        description="Number of classifiers on intermediate maps that learn the labels as well, and are then discarded.",
    )
    auxiliary_weight: float = Field(
        default=0.3, gt=0, le=100, description="Weight of each auxiliary classifier in the loss."
    )


class PruneChannelsStage(LargeKernelTuning):
    """Remove the least important channels, and continue to train the smaller network."""

    kind: Literal["prune_channels"] = "prune_channels"
    target: ChannelTarget = Field(default=ChannelTarget(), description="How small the network becomes.")
    criterion: Literal["l1", "l2", "fpgm", "bn_scale", "taylor", "thinet", "ising", "random"] = Field(
        default="l1",
        description="Importance of a channel. l1, l2: norm of its filter; fpgm: distance of its filter from the "
        "others; bn_scale: factor of the normalizations on it; taylor: estimated change of the loss without it; "
        "thinet: error of the next layer without it, whose weights are then rescaled; ising: how strongly it is "
        "coupled with others that stay; random: a control.",
    )
    allocation: Literal["uniform", "global", "sensitivity", "knee"] = Field(
        default="uniform",
        description="How many channels each layer loses. uniform: all layers the same share; global: the least "
        "important channels of the network, but each layer keeps at least half of what uniform keeps; sensitivity: the "
        "least where the loss grows most without them; knee: an evolutionary search for the best compromise between "
        "the error on training images and the size, within the target.",
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
    slimming: Slimming | None = added_field(
        None,
        description="Training before channels are chosen by the criterion bn_scale (network slimming). null: none.",
    )

    @model_validator(mode="after")
    def _each_round_trains(self) -> Self:
        slimming = 0 if self.slimming is None else self.slimming.epochs
        if self.rounds > self.epochs - slimming:
            without = f", {slimming} of them for slimming" if slimming else ""
            raise ValueError(
                f"rounds is {self.rounds}, but epochs is {self.epochs}{without}; accepted: at most as many rounds as "
                "epochs that are left for them"
            )
        return self

    @model_validator(mode="after")
    def _slims_what_it_ranks_by(self) -> Self:
        if self.slimming is not None and self.criterion != "bn_scale":
            raise ValueError(
                f"slimming is given, but criterion is {self.criterion!r}, which does not read the factors of "
                "normalizations; accepted: criterion bn_scale, or no slimming"
            )
        return self


def _describe(stage: PruneChannelsStage, _network: Network) -> str:
    rounds = f" in {stage.rounds} rounds" if stage.rounds > 1 else ""
    slimming = "" if stage.slimming is None else f" after {stage.slimming.epochs} epochs of slimming"
    return f"prune channels to {stage.target.words} ({stage.criterion}, {stage.allocation}){rounds}{slimming}"


METHOD = Method(
    kind="prune_channels",
    code_version=2,  # networks of version 1 with `allocation: global` could lose nearly all of a layer
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
    "channels takes seconds; for taylor and thinet, and for the statistics of normalizations, a few batches. For the "
    "allocation knee, it takes as long as training about 18,000 images of the input network.",
    parameters=PruneChannelsStage,
    describe=_describe,
    gives=frozenset({"shape"}),
    keeps={"shape": None},
    undoes={"zeros": "it would train the remaining weights, zeros among them"},
    promises=("channels", "macs", "weights"),
)
