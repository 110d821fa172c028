"""Representative images: what the converter runs through the network to see how far its activations range.

They are training images, so nothing of the validation set leaks into a model. Every class gives as many as any other
(or one fewer, or all it has): a range is set by its extremes, which a rare class may have to itself.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from edgepress_common.messages import Progress
from edgepress_worker.context import StepContext
from edgepress_worker.pack import LabelledImages

RepresentativeDataset = Callable[[], Iterator[list[npt.NDArray[np.float32]]]]
"""Gives the inputs of the network, time after time: here one, float32 ``(1, side, side, 3)``, pixels from 0 to 255."""


def draw_representatives(labels: npt.NDArray[np.int64], count: int, seed: int) -> npt.NDArray[np.int64]:
    """Chooses images for calibration; the same ones for the same arguments.

    Args:
        labels: Of the images to choose from, ``(n,)``.
        count: How many; all there are if those are fewer.
        seed: Of the choice.

    Returns:
        Indices into ``labels``, ascending, so that a mapped pack is read from front to back.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    # Take the first of each class, then the second of each, and so on; who comes first in a round is drawn as well.
    classes, class_of = np.unique(labels[order], return_inverse=True)
    place_in_round = random.permutation(len(classes))[class_of]
    chosen = np.lexsort((place_in_round, _rank_within(class_of)))[:count]
    return np.sort(order[chosen])


def _rank_within(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each entry, how many of its group come before it: ``[7, 4, 7, 7]`` gives ``[0, 0, 1, 2]``."""
    by_group = np.argsort(groups, kind="stable")
    ordered = groups[by_group]
    ranks = np.empty(len(groups), np.int64)
    ranks[by_group] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return ranks


class Calibration:
    """Gives representative images in the form the converter takes them.

    Between images the step reports how far it is, and notices that it is to stop.
    """

    _BEGIN, _END = 0.2, 0.8  # of the step's progress; the rest is conversion before and checks after

    def __init__(self, images: LabelledImages, seed: int, context: StepContext) -> None:
        self._images = images
        self._seed = seed
        self._context = context

    def dataset(self, count: int) -> RepresentativeDataset:
        """A function that goes through so many images: the converter calls it once, or for some kinds twice."""
        chosen = draw_representatives(self._images.labels, count, self._seed)
        done = 0

        def inputs() -> Iterator[list[npt.NDArray[np.float32]]]:
            nonlocal done
            for number, index in enumerate(chosen, start=1):
                self._context.raise_if_cancelled()
                done = max(done, number)  # a second round does not take progress back
                fraction = self._BEGIN + (self._END - self._BEGIN) * done / len(chosen)
                self._context.report(Progress(fraction=fraction, message=f"calibrating {number} of {len(chosen)}"))
                yield [self._images.images[index][np.newaxis].astype(np.float32)]

        return inputs
