"""The sizes of an elastic network's smaller networks: combinations of width, depth and image size."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from edgepress_common.spec.methods.cut import CutStage
from edgepress_common.spec.methods.elastic import ElasticStage
from edgepress_worker.channels.groups import Group, Grouped, prunable
from edgepress_worker.elastic.depth import left_out
from edgepress_worker.elastic.smaller import Smaller, first_channels, smaller
from edgepress_worker.keras_environment import keras


@dataclass(frozen=True)
class Size:
    """A size.

    Attributes:
        width: Share of the channels.
        depth: Share of the blocks that can be left out.
        image_size: Height and width of the images in pixels; None for those of the whole network.
    """

    width: float
    depth: float
    image_size: int | None


def trained_sizes(stage: ElasticStage) -> tuple[Size, ...]:
    """Return the sizes of a stage without the whole one, the largest first: the image size varies first, then depth."""
    widths, depths = ((1.0, *sorted(values, reverse=True)) for values in (stage.widths, stage.depths))
    images = (None, *sorted(stage.image_sizes, reverse=True))
    return tuple(Size(*each) for each in itertools.product(widths, depths, images))[1:]


def phases(stage: ElasticStage) -> tuple[int, ...]:
    """Return the number of sizes that are trained in each phase, which are the first of `trained_sizes`."""
    counts = (len(stage.image_sizes) + 1, len(stage.depths) + 1, len(stage.widths) + 1)
    grown = tuple(dict.fromkeys(count - 1 for count in itertools.accumulate(counts, int.__mul__) if count > 1))
    return grown if stage.progressive else grown[-1:]


class Cutter:
    """Cuts smaller networks out of a network.

    Args:
        network: The whole network.
        stage: The layers that get narrower, and the multiple of their channels.
    """

    def __init__(self, network: keras.Model, stage: ElasticStage | CutStage) -> None:
        self._network = network
        self._multiple_of = stage.multiple_of
        self._grouped: Grouped
        self._groups: Sequence[Group]
        self._grouped, self._groups = prunable(network, stage.layers)

    def cut(self, sizes: Sequence[Size]) -> tuple[Smaller, ...]:
        """Return the smaller networks; those that only differ in the image size share their layers.

        Raises:
            InvalidInputError: The network can't have one of the sizes.
        """
        made: dict[tuple[float, float], Smaller] = {}
        found = []
        for size in sizes:
            same = size.width, size.depth
            if same not in made:
                kept = first_channels(self._grouped, self._groups, size.width, self._multiple_of)
                made[same] = smaller(self._network, self._grouped, kept, left_out(self._network, size.depth))
            found.append(made[same] if size.image_size is None else made[same].for_images(size.image_size))
        return tuple(found)
