"""Plain training, the first stage of every pipeline."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.method import Method, NewNetwork
from edgepress_common.spec.model import Network


class TrainStage(NewNetwork):
    """Train a network on the job's images. A pipeline without this stage starts with the training of the job."""

    kind: Literal["train"] = "train"
    model: Network | None = Field(default=None, description="Network to train instead of the job's.")


METHOD = Method(
    kind="train",
    title="Training",
    position=10,
    summary="Trains the network from random or ImageNet weights with cross-entropy. Every other method continues from "
    "its result; pipelines with the same training settings share one training.",
    paper=None,
    limits="First stage of a pipeline only.",
    cost="The reference for all other methods.",
    parameters=TrainStage,
    describe=lambda _, network: f"train {network.title}",
    takes=None,
    network="model",
    accepts_trained_weights=True,
    distributes=True,
)
