"""The stages a pipeline can have: for each, its parameters and what there is to know about it.

To add a method: its parameters here, a line in `METHODS`, and its file in the worker.
"""

from typing import Literal, get_args

from pydantic import Field

from edgepress_common.frozen import Frozen
from edgepress_common.spec.model import Model
from edgepress_common.spec.training import Training

StageKind = Literal["train"]


class TrainStage(Frozen):
    """Train a network on the job's images. A pipeline that does not begin with it gets the job's own in front."""

    kind: Literal["train"] = "train"
    model: Model | None = Field(default=None, description="Another network than the job's.")
    training: Training | None = Field(default=None, description="Other settings than the job's.")


# One member for now: becomes a union discriminated by `kind` as methods join.
Stage = TrainStage


class Method(Frozen):
    """What there is to know about a kind of stage.

    Attributes:
        kind: How a spec asks for it.
        title: How people write it.
        summary: What it does and when it pays, in a paragraph.
        paper: Where it was published, or None for plain practice.
        parameters: The model of its parameters.
    """

    kind: StageKind
    title: str
    summary: str
    paper: str | None
    parameters: type[TrainStage]


METHODS: dict[StageKind, Method] = {
    "train": Method(
        kind="train",
        title="Training",
        summary="Trains the network from random or ImageNet weights with cross-entropy. Every other method starts from "
        "what this gives; pipelines that train alike share one training.",
        paper=None,
        parameters=TrainStage,
    ),
}

assert set(METHODS) == set(get_args(StageKind))
