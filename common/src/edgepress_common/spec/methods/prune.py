"""Magnitude pruning."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from edgepress_common.frozen import Frozen, added_field
from edgepress_common.spec.method import LargeKernelTuning, Method
from edgepress_common.spec.model import Network

Unit = Annotated[
    Literal["weight", "kernel"],
    Field(
        description="What becomes zero at once. weight: single weights; kernel: all weights of a convolution between "
        "an input and an output channel, by the sum of their absolute values."
    ),
]


class ConstantSchedule(Frozen):
    """The final sparsity from the beginning."""

    kind: Literal["constant"] = "constant"
    final_sparsity: float = Field(default=0.5, gt=0, lt=1, description="Share of zeros in each layer.")
    begin: float = Field(default=0.0, ge=0, lt=1, description="Start of pruning, as a share of the stage's steps.")
    end: float = Field(
        default=0.75, gt=0, le=1, description="Last selection of zeros, as a share of the stage's steps."
    )
    frequency: int = Field(default=10, ge=1, le=100_000, description="Steps between two selections of zeros.")
    unit: Unit = added_field("weight")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(f"begin is {self.begin:g} and end is {self.end:g}; accepted: begin before end")
        return self


class PolynomialSchedule(Frozen):
    """A sparsity that rises quickly at first and more slowly towards the end."""

    kind: Literal["polynomial"] = "polynomial"
    initial_sparsity: float = Field(
        default=0.0, ge=0, lt=1, description="Share of zeros in each layer at the beginning."
    )
    final_sparsity: float = Field(default=0.5, gt=0, lt=1, description="Share of zeros in each layer after the end.")
    begin: float = Field(default=0.0, ge=0, lt=1, description="Start of pruning, as a share of the stage's steps.")
    end: float = Field(
        default=0.5, gt=0, le=1, description="When the final sparsity is reached, as a share of the stage's steps."
    )
    power: float = Field(default=3.0, gt=0, le=10, description="Exponent of the polynomial; 1 is linear.")
    frequency: int = Field(default=10, ge=1, le=100_000, description="Steps between two selections of zeros.")
    unit: Unit = added_field("weight")

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
    """A fixed number of zeros in each group of neighbouring weights, a pattern that some hardware accelerates.

    The smallest weights of each group are zero. Groups lie along the input channels of a convolution and along the
    inputs of a dense layer. The zeros are selected once, at the beginning.
    """

    kind: Literal["pattern"] = "pattern"
    pattern: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?:[1-9][0-9]?$")] = Field(
        default="2:4", description="m:n, for m zeros in each group of n."
    )

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        zeros, group = self.zeros_of_group
        if zeros >= group:
            raise ValueError(f"pattern is {self.pattern!r}; accepted: m:n with m less than n, such as 2:4")
        return self

    @property
    def zeros_of_group(self) -> tuple[int, int]:
        """Return the pattern as numbers: (2, 4) for ``2:4``."""
        zeros, group = self.pattern.split(":")
        return int(zeros), int(group)

    @property
    def final_sparsity(self) -> float:
        """Return the share of zeros that the pattern results in."""
        zeros, group = self.zeros_of_group
        return zeros / group


PruningSchedule = Annotated[
    ConstantSchedule | PolynomialSchedule | PatternSchedule,
    Field(discriminator="kind"),
]


class PruneStage(LargeKernelTuning):
    """Set the smallest weights of each layer to zero, and continue to train the others."""

    kind: Literal["prune"] = "prune"
    learning_rate: float | None = Field(
        default=None, gt=0, le=10, description="Peak learning rate. null: the job's, so that few steps are enough."
    )
    schedule: PruningSchedule = Field(
        default=PolynomialSchedule(), description="How many weights become zero, and when."
    )


def _describe(stage: PruneStage, _network: Network) -> str:
    if isinstance(stage.schedule, PatternSchedule):
        return f"prune {stage.schedule.pattern}"
    kernels = " of whole kernels" if stage.schedule.unit == "kernel" else ""
    return f"prune to {100 * stage.schedule.final_sparsity:g} %{kernels} ({stage.schedule.kind})"


def _conflict(earlier: PruneStage, position: int, stage: PruneStage) -> str | None:
    """Return a problem if the second pruning has fewer zeros: it can only add zeros."""
    reached, asked = earlier.schedule.final_sparsity, stage.schedule.final_sparsity
    if earlier.layers != stage.layers or asked >= reached or isinstance(stage.schedule, PatternSchedule):
        return None
    return (
        f".schedule.final_sparsity is {asked:g}, but stages[{position}] has set {reached:g} of the same layers' "
        f"weights to zero, and they stay zero; accepted: {reached:g} or more"
    )


METHOD = Method(
    kind="prune",
    title="Pruning",
    position=20,
    summary="Sets the smallest weights of each layer to zero while training continues: at once (constant), gradually "
    "(polynomial), or a fixed number in each group of neighbours (pattern, such as 2:4). A pruned file is smaller once "
    "it is zipped or its zeros are omitted; exports omit zeros by default if this makes the file smaller. Half of the "
    "weights can usually be removed without loss; above 80 %, accuracy begins to drop.",
    paper="Zhu and Gupta 2017, To prune, or not to prune, arXiv:1710.01878",
    limits="Applies to convolutions and dense layers, not to depthwise convolutions. Not faster on most boards: only "
    "float 1x1 convolutions with two thirds of zeros have sparse kernels. Must come before cluster.",
    cost="A multiplication per weight and step, and a selection among the weights each time zeros are selected.",
    parameters=PruneStage,
    describe=_describe,
    gives=frozenset({"zeros"}),
    keeps={"zeros": None, "shape": None},
    undoes={"shared_values": "further training with some weights at zero would change the other values"},
    conflict=_conflict,
    promises=("sparsity", "pattern"),
    # Renda et al. 2020, Comparing Rewinding and Fine-tuning in Neural Network Pruning, arXiv:2003.02389.
    slowdown=1,
)
