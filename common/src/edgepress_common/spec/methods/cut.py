"""Narrower networks from an elastic one."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.layers import LayerSelection
from edgepress_common.spec.method import Method, StageParameters
from edgepress_common.spec.methods.elastic import MULTIPLE_OF, WIDTHS, ElasticStage


class CutStage(StageParameters):
    """Cut a narrower network out of an elastic one."""

    kind: Literal["cut"] = "cut"
    width: float = Field(default=0.5, gt=0, lt=1, description=f"{WIDTHS}; one of the widths of elastic.")
    multiple_of: int = Field(default=16, ge=1, le=256, description=f"{MULTIPLE_OF} That of elastic.")
    layers: LayerSelection = Field(default=LayerSelection(), description="Layers that get narrower. Those of elastic.")


def _conflict(earlier: ElasticStage, position: int, stage: CutStage) -> str | None:
    """Return a problem if the network was not trained at the width."""
    if stage.width not in earlier.widths:
        trained = ", ".join(f"{width:g}" for width in sorted(earlier.widths))
        return f".width is {stage.width:g}, but stages[{position}] trains other widths; accepted: {trained}"
    if stage.multiple_of != earlier.multiple_of:
        return (
            f".multiple_of is {stage.multiple_of}, but stages[{position}] trains channels in multiples of "
            f"{earlier.multiple_of}; accepted: {earlier.multiple_of}"
        )
    if stage.layers != earlier.layers:
        return f".layers selects other layers than those of stages[{position}]; accepted: the same layers"
    return None


METHOD = Method(
    kind="cut",
    title="Cut to a width",
    position=18,
    summary="Takes the narrower network of a width from an elastic network, and estimates the statistics of its "
    "normalizations on training images. Nothing is trained: all widths of a job share one elastic training. The result "
    "is a plain network that later stages can train on.",
    paper="Yu and Huang 2019, Universally Slimmable Networks and Improved Training Techniques, arXiv:1903.05134",
    limits="After elastic only, at one of its widths.",
    cost="Seconds: a pass over about a thousand training images.",
    parameters=CutStage,
    describe=lambda stage, _network: f"cut to width {stage.width:g}",
    gives=frozenset({"shape"}),
    keeps={"shape": None},
    needs=frozenset({"elastic"}),
    conflict=_conflict,
    promises=("channels", "macs", "weights"),
    epoch_weight=0.1,
)
