"""A method that changes a network's shape without training: it removes dropout layers."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.method import Method, StageParameters


class WithoutDropoutStage(StageParameters):
    """Take the dropout layers out of the network."""

    kind: Literal["without_dropout"] = "without_dropout"
    at_most: int = Field(default=10, ge=1, le=100, description="Dropout layers to take out.")


METHOD = Method(
    kind="without_dropout",
    title="Without dropout",
    summary="Takes dropout layers out of the network, which do nothing once training is over.",
    paper=None,
    limits="Comes before prune, cluster and quantize_aware.",
    cost="Nothing.",
    parameters=WithoutDropoutStage,
    describe=lambda stage, _network: f"take out {stage.at_most} dropout layers",
    gives=frozenset({"shape"}),
)
