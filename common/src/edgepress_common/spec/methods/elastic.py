"""Elastic networks."""

from collections.abc import Iterator
from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from edgepress_common.architectures import MAX_IMAGE_SIZE, MIN_IMAGE_SIZE
from edgepress_common.frozen import added_field
from edgepress_common.spec.method import Continuation, LargeKernelChoice, Method
from edgepress_common.spec.model import Network

Width = Annotated[float, Field(gt=0, lt=1)]
Depth = Annotated[float, Field(ge=0, lt=1)]
ImageSize = Annotated[int, Field(ge=MIN_IMAGE_SIZE, lt=MAX_IMAGE_SIZE)]
WIDTHS = "Share of the channels of each layer"
DEPTHS = "Share of the residual blocks without a projection that is kept"
MULTIPLE_OF = "Narrower layers have a multiple of this number of channels: kernels compute whole groups of channels."

# Each has weights of its own in the training, and is compiled.
_MOST_NETWORKS = 24


class ElasticStage(LargeKernelChoice, Continuation):
    """Train a network so that smaller networks can be cut out of it, which share its weights."""

    kind: Literal["elastic"] = "elastic"
    widths: tuple[Width, ...] = Field(
        default=(0.25, 0.5, 0.75), max_length=10, description=f"{WIDTHS} that the narrower networks have."
    )
    depths: tuple[Depth, ...] = added_field(
        (), max_length=10, description=f"{DEPTHS} in the shallower networks, which lose the last blocks of each size."
    )
    image_sizes: tuple[ImageSize, ...] = added_field(
        (), max_length=10, description="Heights and widths of smaller images to train for, in pixels."
    )
    progressive: bool = added_field(
        default=False,
        description="Train for smaller images first, then for smaller depths as well, then for smaller widths as well, "
        "each for an equal share of the steps. false: for all of them from the beginning.",
    )
    multiple_of: int = Field(default=16, ge=1, le=256, description=MULTIPLE_OF)

    @model_validator(mode="after")
    def _trains_for_some_networks(self) -> Self:
        sizes = {"widths": self.widths, "depths": self.depths, "image_sizes": self.image_sizes}
        for field, values in sizes.items():
            if len(set(values)) < len(values):
                repeated = ", ".join(map("{:g}".format, values))
                raise ValueError(f"{field} repeats one of {repeated}; accepted: each once")
        count = prod(len(values) + 1 for values in sizes.values()) - 1
        if not 1 <= count <= _MOST_NETWORKS:
            raise ValueError(
                f"widths, depths and image_sizes combine to {count} smaller networks; accepted: 1 to {_MOST_NETWORKS}"
            )
        return self


def _describe(stage: ElasticStage, _network: Network) -> str:
    return f"elastic at {'; '.join(_sizes(stage))}{', progressively' if stage.progressive else ''}"


def _sizes(stage: ElasticStage) -> Iterator[str]:
    for word, values, whole in (("widths", stage.widths, " and 1"), ("depths", stage.depths, " and 1")):
        if values:
            yield f"{word} {', '.join(f'{value:g}' for value in sorted(values))}{whole}"
    if stage.image_sizes:
        yield f"images of {', '.join(map(str, sorted(stage.image_sizes)))} pixels and all"


METHOD = Method(
    kind="elastic",
    title="Elastic training",
    position=17,
    summary="Trains one network from which smaller ones can be cut without training, one for each board: with fewer "
    "channels (`widths`), with fewer residual blocks (`depths`), for smaller images (`image_sizes`), and all "
    "combinations of these. The channels of each layer are sorted by importance; a narrower network has the first "
    "ones. Each step trains the whole network, the smallest and a random other one (the sandwich rule); the smaller "
    "ones learn from the predictions of the whole network.",
    paper="Yu and Huang 2019, Universally Slimmable Networks and Improved Training Techniques, arXiv:1903.05134; "
    "depths, image sizes and progressive shrinking: Cai et al. 2020, Once-for-All, arXiv:1908.09791",
    limits="Followed by cut, or exported whole. A network that is trained alone at a size is usually more accurate at "
    "that size. Only residual blocks that add to their own input can be left out: those with a projection, which "
    "change the number of channels or places, stay. At most 24 smaller networks. A network that flattens its last map "
    "takes images of one size only.",
    cost="A step costs as much as steps of the whole network, the smallest and one other together. Before the first "
    "step, each combination is compiled, which takes seconds; those of widths and depths also have weights in memory.",
    parameters=ElasticStage,
    describe=_describe,
    gives=frozenset({"elastic"}),
    keeps={"shape": None},
    epoch_weight=2.0,
)
