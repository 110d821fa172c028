"""Smaller networks from an elastic one."""

from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from edgepress_common.frozen import added_field
from edgepress_common.spec.layers import LayerSelection
from edgepress_common.spec.method import Method, StageParameters
from edgepress_common.spec.methods.elastic import DEPTHS, MULTIPLE_OF, WIDTHS, ElasticStage, ImageSize


class CutStage(StageParameters):
    """Cut a smaller network out of an elastic one, by any of width, depth and image size."""

    kind: Literal["cut"] = "cut"
    width: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description=f"{WIDTHS}: one of the widths of elastic, or 1, the default if another size is cut.",
    )
    depth: float = added_field(1.0, ge=0, le=1, description=f"{DEPTHS}; one of the depths of elastic, or 1.")
    image_size: ImageSize | None = added_field(
        None,
        description="Height and width of the images that the network takes, in pixels; one of the image sizes of "
        "elastic. Later stages, exports and evaluations use the data set at this size. null: as before.",
    )
    multiple_of: int = Field(default=16, ge=1, le=256, description=f"{MULTIPLE_OF} That of elastic.")
    layers: LayerSelection = Field(default=LayerSelection(), description="Layers that get narrower. Those of elastic.")

    @model_validator(mode="before")
    @classmethod
    def _keeps_the_width_if_another_size_is_cut(cls, given: Any) -> Any:
        cuts = isinstance(given, dict) and (given.get("depth", 1) != 1 or given.get("image_size") is not None)
        return {"width": 1.0, **given} if cuts else given

    @model_validator(mode="after")
    def _cuts_something(self) -> Self:
        if self.width == 1 and self.depth == 1 and self.image_size is None:
            raise ValueError("nothing is cut; accepted: a width, a depth or an image_size of elastic, or several")
        return self


def _conflict(earlier: ElasticStage, position: int, stage: CutStage) -> str | None:
    """Return a problem if the network was not trained at the size."""
    for field, value, trained in (
        ("width", stage.width, earlier.widths),
        ("depth", stage.depth, earlier.depths),
        ("image_size", stage.image_size or 1, earlier.image_sizes),
    ):
        if value not in {1, *trained}:
            accepted = ", ".join(f"{each:g}" for each in sorted(trained)) or f"no {field}, or {field}s for elastic"
            return f".{field} is {value:g}, but stages[{position}] trains other {field}s; accepted: {accepted}"
    if stage.multiple_of != earlier.multiple_of:
        return (
            f".multiple_of is {stage.multiple_of}, but stages[{position}] trains channels in multiples of "
            f"{earlier.multiple_of}; accepted: {earlier.multiple_of}"
        )
    if stage.layers != earlier.layers:
        return f".layers selects other layers than those of stages[{position}]; accepted: the same layers"
    return None


def _describe(stage: CutStage, _network: object) -> str:
    return f"cut to {', '.join(_sizes(stage))}"


def _sizes(stage: CutStage) -> Iterator[str]:
    if stage.width < 1:
        yield f"width {stage.width:g}"
    if stage.depth < 1:
        yield f"depth {stage.depth:g}"
    if stage.image_size is not None:
        yield f"images of {stage.image_size} pixels"


METHOD = Method(
    kind="cut",
    title="Cut to a size",
    position=18,
    summary="Takes the smaller network of a width, a depth and an image size from an elastic network, and estimates "
    "the statistics of its normalizations on training images. Nothing is trained: all sizes of a job share one elastic "
    "training. The result is a plain network that later stages can train on.",
    paper="Yu and Huang 2019, Universally Slimmable Networks and Improved Training Techniques, arXiv:1903.05134",
    limits="After elastic only, at one of its widths, depths and image sizes. After a cut to smaller images, networks "
    "for larger ones can't be teachers: `teacher: none`.",
    cost="Seconds: a pass over about a thousand training images. A smaller image size packs the data set once more.",
    parameters=CutStage,
    describe=_describe,
    image_size="image_size",
    gives=frozenset({"shape"}),
    keeps={"shape": None},
    needs=frozenset({"elastic"}),
    conflict=_conflict,
    promises=("channels", "macs", "weights"),
    epoch_weight=0.1,
)
