"""Representative images, with which the converter measures the ranges of the network's activations.

They are training images, so that the validation set does not influence the model. Each class contributes the same
number of images (or one fewer, or all that it has): extreme values set a range, and they may occur in a rare class
only.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from edgepress_common.messages import Progress
from edgepress_worker.context import StepContext
from edgepress_worker.pack import LabelledImages

RepresentativeDataset = Callable[[], Iterator[list[npt.NDArray[np.float32]]]]
"""Function that returns a new iterator over the inputs of the network with each call.

Each entry is a list of one array, float32 ``(1, side, side, 3)`` with pixels from 0 to 255.
"""

_BATCH = 16  # as many as fit into memory with all activations of a network at 224x224


def draw_representatives(labels: npt.NDArray[np.int64], count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the images for calibration: the same ones for the same arguments.

    Args:
        labels: Labels of the available images, ``(n,)``.
        count: Number of images; all images are returned if fewer are available.
        seed: Seed of the random choice.

    Returns:
        Indices into ``labels``, ascending, so that a mapped pack is read from front to back.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    # Take the first of each class, then the second of each, and so on; the order within a round is random as well.
    classes, class_of = np.unique(labels[order], return_inverse=True)
    place_in_round = random.permutation(len(classes))[class_of]
    chosen = np.lexsort((place_in_round, _rank_within(class_of)))[:count]
    return np.sort(order[chosen])


def _rank_within(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return, for each entry, the number of earlier entries of its group: ``[0, 0, 1, 2]`` for ``[7, 4, 7, 7]``."""
    by_group = np.argsort(groups, kind="stable")
    ordered = groups[by_group]
    ranks = np.empty(len(groups), np.int64)
    ranks[by_group] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return ranks


def some_of(images: LabelledImages, count: int, seed: int) -> LabelledImages:
    """Return ``count`` of some images, as many of each class as possible."""
    chosen = draw_representatives(images.labels, count, seed)
    return LabelledImages(images.images[chosen], images.labels[chosen])


class Calibration:
    """Representative images in the form that the converter accepts.

    Between images the step reports its progress and stops if it is cancelled.
    """

    _BEGIN, _END = 0.2, 0.8  # of the step's progress; conversion comes before, checks come after

    def __init__(self, images: LabelledImages, seed: int, context: StepContext) -> None:
        self._images = images
        self._seed = seed
        self._context = context

    @property
    def seed(self) -> int:
        """Seed of everything that the calibration chooses at random."""
        return self._seed

    def batches(self, count: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the same ``count`` images in batches, float32 ``(batch, side, side, 3)`` with pixels from 0 to 255."""
        chosen = draw_representatives(self._images.labels, count, self._seed)
        for first in range(0, len(chosen), _BATCH):
            self._context.raise_if_cancelled()
            yield self._images.images[chosen[first : first + _BATCH]].astype(np.float32)

    def dataset(self, count: int) -> RepresentativeDataset:
        """Return a function that iterates over ``count`` images; the converter calls it once or twice."""
        chosen = draw_representatives(self._images.labels, count, self._seed)
        done = 0

        def inputs() -> Iterator[list[npt.NDArray[np.float32]]]:
            nonlocal done
            for number, index in enumerate(chosen, start=1):
                self._context.raise_if_cancelled()
                done = max(done, number)  # progress does not decrease in a second round
                fraction = self._BEGIN + (self._END - self._BEGIN) * done / len(chosen)
                self._context.report(Progress(fraction=fraction, message=f"calibrating {number} of {len(chosen)}"))
                yield [self._images.images[index][np.newaxis].astype(np.float32)]

        return inputs
