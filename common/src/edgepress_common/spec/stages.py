"""The stages a pipeline can have: the parameters of each. What there is to know about them is in `methods`.

To add a method: its parameters here, its entry in `methods`, and its file in the worker.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from edgepress_common.frozen import Frozen
from edgepress_common.spec.layers import LayerSelection
from edgepress_common.spec.model import Model, Network
from edgepress_common.spec.training import Training

StageKind = Literal["train", "prune", "cluster", "quantize_aware", "distill"]

_DEPTHWISE = "kind:depthwise_conv2d"


class TrainStage(Frozen):
    """Train a network on the job's images. A pipeline that does not begin with it gets the job's own in front."""

    kind: Literal["train"] = "train"
    model: Network | None = Field(default=None, description="Another network than the job's.")
    training: Training | None = Field(default=None, description="Other settings than the job's.")


class _FineTuning(Frozen):
    """What stages have in common that go on from a trained network. The rest of the training is as the job has it."""

    epochs: int = Field(default=4, ge=1, le=1000)
    learning_rate: float | None = Field(
        default=None, gt=0, le=10, description="At its highest. null: a tenth of the job's."
    )
    layers: LayerSelection = LayerSelection()


class _OfLargeKernels(_FineTuning):
    """Those that leave depthwise convolutions alone: they have nine weights a channel, and need them all."""

    @model_validator(mode="after")
    def _asks_for_no_depthwise(self) -> Self:
        for field, patterns in (("include", self.layers.include), ("exclude", self.layers.exclude)):
            if _DEPTHWISE in patterns:
                raise ValueError(
                    f"layers.{field}[{patterns.index(_DEPTHWISE)}] is {_DEPTHWISE!r}, which this method leaves alone; "
                    "accepted: first, last, kind:conv2d, kind:dense, or name: and a shell pattern"
                )
        return self


class ConstantSchedule(Frozen):
    """The final sparsity from the beginning on."""

    kind: Literal["constant"] = "constant"
    final_sparsity: float = Field(default=0.5, gt=0, lt=1, description="Share of zeros in each layer.")
    begin: float = Field(default=0.0, ge=0, lt=1, description="When to begin, as a share of the stage's steps.")
    end: float = Field(default=0.75, gt=0, le=1, description="When to choose for the last time which weights are zero.")
    frequency: int = Field(default=10, ge=1, le=100_000, description="Steps between two choices.")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(f"begin is {self.begin:g} and end is {self.end:g}; accepted: begin before end")
        return self


class PolynomialSchedule(Frozen):
    """A sparsity that rises quickly at first and ever slower towards its end."""

    kind: Literal["polynomial"] = "polynomial"
    initial_sparsity: float = Field(
        default=0.0, ge=0, lt=1, description="Share of zeros in each layer at the beginning."
    )
    final_sparsity: float = Field(default=0.5, gt=0, lt=1, description="Share of zeros in each layer from the end on.")
    begin: float = Field(default=0.0, ge=0, lt=1, description="When to begin, as a share of the stage's steps.")
    end: float = Field(default=0.75, gt=0, le=1, description="When the final sparsity is reached.")
    power: float = Field(default=3.0, gt=0, le=10, description="Of the polynomial.")
    frequency: int = Field(default=10, ge=1, le=100_000, description="Steps between two choices of what is zero.")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(f"begin is {self.begin:g} and end is {self.end:g}; accepted: begin before end")
        if self.initial_sparsity > self.final_sparsity:
            raise ValueError(
                f"initial_sparsity is {self.initial_sparsity:g} and final_sparsity is {self.final_sparsity:g}; "
                "accepted: an initial sparsity of at most the final one"
            )
        return self


class PatternSchedule(Frozen):
    """Of each group of neighbouring weights, the smallest are zero: a pattern that some hardware computes faster with.

    Groups lie along a convolution's input channels, and along a dense layer's inputs.
    """

    kind: Literal["pattern"] = "pattern"
    pattern: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?:[1-9][0-9]?$")] = Field(
        default="2:4", description="m:n, m zeros in each group of n."
    )

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        zeros, group = self.zeros_of_group
        if zeros >= group:
            raise ValueError(f"pattern is {self.pattern!r}; accepted: m:n with m less than n, as in 2:4")
        return self

    @property
    def zeros_of_group(self) -> tuple[int, int]:
        """The pattern as numbers: (2, 4) for ``2:4``."""
        zeros, group = self.pattern.split(":")
        return int(zeros), int(group)

    @property
    def final_sparsity(self) -> float:
        """Share of zeros that the pattern comes to."""
        zeros, group = self.zeros_of_group
        return zeros / group


PruningSchedule = Annotated[
    ConstantSchedule | PolynomialSchedule | PatternSchedule,
    Field(discriminator="kind"),
]


class PruneStage(_OfLargeKernels):
    """Set the smallest weights of each layer to zero, and train the others on."""

    kind: Literal["prune"] = "prune"
    schedule: PruningSchedule = PolynomialSchedule()


class ClusterStage(_OfLargeKernels):
    """Let the weights of each layer share few values, and train the values."""

    kind: Literal["cluster"] = "cluster"
    clusters: int = Field(
        default=16, ge=2, le=256, description="Different values in a layer (or channel); zero is one of them if kept."
    )
    centroids: Literal["linear", "random", "density", "kmeans_plus_plus"] = Field(
        default="kmeans_plus_plus", description="How the first values are chosen."
    )
    per_channel: bool = Field(
        default=False, description="A set of values for each output channel instead of one for the layer."
    )
    preserve_sparsity: bool | None = Field(
        default=None, description="Whether zeros stay zero. null: yes, if the network was pruned."
    )


class QuantizeAwareStage(_FineTuning):
    """Train on with weights and activations rounded as int8 will round them."""

    kind: Literal["quantize_aware"] = "quantize_aware"
    preserve_sparsity: bool | None = Field(
        default=None, description="Whether zeros stay zero. null: yes, if the network was pruned."
    )
    preserve_clusters: bool | None = Field(
        default=None, description="Whether shared values stay shared. null: yes, if the network was clustered."
    )


class DistillStage(Frozen):
    """Train another network, the student, to say what this one, the teacher, says."""

    kind: Literal["distill"] = "distill"
    student: Network = Model(architecture="mobilenet_v2")
    alpha: float = Field(
        default=0.1, ge=0, le=1, description="Weight of the labels in the loss; the teacher has the rest."
    )
    temperature: float = Field(default=10.0, ge=1, le=100, description="What logits are divided by before comparing.")
    training: Training | None = Field(default=None, description="Other settings than the job's.")


Stage = Annotated[
    TrainStage | PruneStage | ClusterStage | QuantizeAwareStage | DistillStage,
    Field(discriminator="kind"),
]
