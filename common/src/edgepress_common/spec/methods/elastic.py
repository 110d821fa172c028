"""Elastic networks."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from edgepress_common.spec.method import LargeKernelTuning, Method
from edgepress_common.spec.model import Network

Width = Annotated[float, Field(gt=0, lt=1)]
WIDTHS = "Share of the channels of each layer"
MULTIPLE_OF = "Narrower layers have a multiple of this number of channels: kernels compute whole groups of channels."


class ElasticStage(LargeKernelTuning):
    """Train a network so that narrower networks can be cut out of it, which share its weights."""

    kind: Literal["elastic"] = "elastic"
    widths: tuple[Width, ...] = Field(
        default=(0.25, 0.5, 0.75), min_length=1, max_length=10, description=f"{WIDTHS} that the narrower networks have."
    )
    multiple_of: int = Field(default=16, ge=1, le=256, description=MULTIPLE_OF)

    @model_validator(mode="after")
    def _teaches_itself(self) -> Self:
        if self.teachers:
            raise ValueError(
                f"teacher is {self.teacher!r}, but the narrower networks learn from the whole one; accepted: none"
            )
        return self

    @model_validator(mode="after")
    def _widths_differ(self) -> Self:
        if len(set(self.widths)) < len(self.widths):
            raise ValueError(f"widths repeats one of {', '.join(map('{:g}'.format, self.widths))}; accepted: each once")
        return self


def _describe(stage: ElasticStage, _network: Network) -> str:
    return f"elastic at widths {', '.join(f'{width:g}' for width in sorted(stage.widths))} and 1"


METHOD = Method(
    kind="elastic",
    title="Elastic training",
    position=17,
    summary="Trains one network from which narrower ones can be cut without training, one for each board. The channels "
    "of each layer are sorted by importance; a narrower network has the first ones. Each step trains the whole "
    "network, the narrowest and a random other one (the sandwich rule); the narrower ones learn from the predictions "
    "of the whole network.",
    paper="Yu and Huang 2019, Universally Slimmable Networks and Improved Training Techniques, arXiv:1903.05134",
    limits="Followed by cut, or exported at its full width. A network that is trained alone at a width is usually more "
    "accurate at that width. Width only: all layers and the image size stay.",
    cost="A step costs as much as steps of the whole network, the narrowest and one other together.",
    parameters=ElasticStage,
    describe=_describe,
    gives=frozenset({"elastic"}),
    keeps={"shape": None},
    epoch_weight=2.0,
)
