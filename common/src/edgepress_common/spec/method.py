"""Declaration of a compression method, and the parameters that methods have in common.

To add a method, write its declaration in `edgepress_common.spec.methods` and its implementation in
``edgepress_worker.methods``, each a file named after the method. Everything else is derived from the declaration.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from edgepress_common.frozen import Frozen, added_field
from edgepress_common.promises import PromiseKind
from edgepress_common.registry import Descriptor
from edgepress_common.spec.layers import LayerSelection
from edgepress_common.spec.model import Network
from edgepress_common.spec.network_state import Trait
from edgepress_common.spec.teaching import Taught
from edgepress_common.spec.training import SEEDS, Training

_DEPTHWISE = "kind:depthwise_conv2d"


class StageParameters(Frozen):
    """The parameters of a stage. Subclasses define the value of ``kind``."""

    kind: str


class NewNetwork(StageParameters):
    """The parameters of stages that train a new network."""

    training: Training | None = Field(
        default=None, description="Training settings instead of the job's; omitted fields have their defaults."
    )
    seed_offset: int = added_field(
        0,
        ge=0,
        lt=SEEDS,
        description="Number added to the seed of the training, for several networks with the job's settings.",
    )


class Continuation(StageParameters):
    """The parameters of stages that continue to train a network. Other training settings are those of the job."""

    epochs: int = Field(default=4, ge=1, le=1000, description="Number of epochs.")
    learning_rate: float | None = Field(
        default=None, gt=0, le=10, description="Peak learning rate. null: a tenth of the job's."
    )


class LayerChoice(StageParameters):
    """The parameters of stages that change some layers of a network."""

    layers: LayerSelection = Field(default=LayerSelection(), description="Layers to compress; all by default.")


ENTROPY_WEIGHT = (
    "Factor by which the loss grows with the estimated bits per weight of the coded file: a higher one makes it "
    "smaller, and the network less accurate"
)


class LargeKernelChoice(LayerChoice):
    """`LayerChoice` without depthwise convolutions, which have nine weights per channel and need all of them."""

    @model_validator(mode="after")
    def _asks_for_no_depthwise(self) -> Self:
        for field, patterns in (("include", self.layers.include), ("exclude", self.layers.exclude)):
            if _DEPTHWISE in patterns:
                raise ValueError(
                    f"layers.{field}[{patterns.index(_DEPTHWISE)}] is {_DEPTHWISE!r}, which this method does not "
                    "support; accepted: first, last, kind:conv2d, kind:dense, or name: and a shell pattern"
                )
        return self


class FineTuning(LayerChoice, Taught, Continuation):
    """The parameters of stages that compress some layers of a network while they continue to train it."""


class LargeKernelTuning(LargeKernelChoice, FineTuning):
    """`FineTuning` without depthwise convolutions."""


def never_conflicts(_earlier: Any, _position: int, _stage: Any) -> str | None:
    """Accept a second stage of the same kind, with any parameters."""
    return None


class Method(Descriptor):
    """A compression method: a kind of stage.

    Attributes:
        paper: The publication that describes it; None for common practice.
        limits: Limitations and caveats.
        cost: Time and memory, relative to plain training.
        parameters: Model of its parameters.
        describe: Function that returns a short description of a stage, given its parameters and its network.
        takes: Role of the previous stage's network: ``model``, which the method continues to train; ``teacher``, which
            it learns from; None for a method without input, which must be the first stage.
        network: Parameter with the new network that the method creates; None for a method that continues a network. If
            the value of the parameter is null, the network is the job's.
        image_size: Parameter with the image size that the network takes from this stage on; None for a method that
            keeps the image size, as the null value of the parameter does.
        accepts_trained_weights: Whether an uploaded network may be used without training, with 0 epochs.
        distributes: Whether its training can be divided among the devices of a worker, see `Training.devices`.
        trains: Whether the network has learned something after the stage. A pipeline without such a stage is a probe:
            its files are measured for their latency alone, on a few images.
        gives: Traits that the network has after the stage.
        keeps: Traits that the stage preserves, each with the parameter that enables this, or None if it always does.
            If the parameter is null, a trait is preserved if the network has it.
        needs: Traits that the network must have before the stage. The stage may use them up.
        undoes: Reasons why the stage would destroy a trait, where the usual reason does not apply. A stage that would
            destroy a trait is rejected.
        conflict: Function that returns why a stage can't follow an earlier one of the same kind, or one that gave a
            trait which it needs; None if it can. Its arguments are the parameters and the position of the earlier
            stage, and the parameters of the later one.
        promises: Kinds of promise about the network's weights that the stage makes.
        slowdown: Job's learning rate divided by the stage's default. TFMOT's guides fine-tune with a tenth to a
            hundredth of the learning rate of the initial training.
        epoch_weight: Duration of an epoch relative to plain training; used only to weight progress.
    """

    paper: str | None
    limits: str
    cost: str
    parameters: type[StageParameters]
    describe: Callable[[Any, Network], str]
    takes: Literal["model", "teacher"] | None = "model"
    network: str | None = None
    image_size: str | None = None
    accepts_trained_weights: bool = False
    distributes: bool = False
    trains: bool = True
    gives: frozenset[Trait] = frozenset()
    keeps: Mapping[Trait, str | None] = Field(default_factory=dict)
    needs: frozenset[Trait] = frozenset()
    undoes: Mapping[Trait, str] = Field(default_factory=dict)
    conflict: Callable[[Any, int, Any], str | None] = never_conflicts
    promises: tuple[PromiseKind, ...] = ()
    slowdown: float = Field(default=10, gt=0)
    epoch_weight: float = Field(default=1.0, gt=0)

    @property
    def starts_network(self) -> bool:
        """Whether the method creates a new network, which has no traits of the previous one."""
        return self.network is not None

    def own_network(self, stage: StageParameters) -> Network | None:
        """Return the new network that a stage specifies; None if it specifies none."""
        return None if self.network is None else getattr(stage, self.network)

    def image_size_after(self, stage: StageParameters, before: int) -> int:
        """Return the height and width of the images that the network takes after a stage, given those before it."""
        own: int | None = None if self.image_size is None else getattr(stage, self.image_size)
        return before if own is None else own

    @property
    def changes_shape(self) -> bool:
        """Whether the resulting network can have another shape than the input network."""
        return "shape" in self.gives

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        fields = self.parameters.model_fields
        named = [self.network, self.image_size, *self.keeps.values()]
        missing = [name for name in named if name is not None and name not in fields]
        if missing:
            raise ValueError(f"names {', '.join(missing)}; accepted: parameters of the method, {', '.join(fields)}")
        if self.starts_network != issubclass(self.parameters, NewNetwork):
            raise ValueError("accepted: either parameters derived from NewNetwork and a value for network, or neither")
        if self.starts_network and self.keeps:
            raise ValueError(f"creates a network but keeps {', '.join(self.keeps)}; accepted: an empty keeps")
        if not self.starts_network and self.takes != "model":
            raise ValueError("continues a network; accepted: takes='model', or the parameter with the new network")
        if both := self.keeps.keys() & self.undoes.keys():
            raise ValueError(f"both keeps and undoes {', '.join(sorted(both))}; accepted: one of them")
        return self
