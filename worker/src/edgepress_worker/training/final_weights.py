"""The weights that a training ends with: averaged, projected, with BatchNorm statistics of their own.

A training goes on from its raw weights. After each epoch, the final weights are computed from them, validated, and
undone bit for bit, so that the figures of an epoch are those of the network that the training would end with.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from edgepress_common.spec.training import Training
from edgepress_worker.keras_environment import keras
from edgepress_worker.pack import LabelledImages
from edgepress_worker.training.averaging import FollowWeights, WeightAverage
from edgepress_worker.training.statistics import BatchNormStatistics


class FinalWeights:
    """Computes the final weights of a model in training.

    Args:
        model: The compiled model.
        images: The training images.
        settings: Settings of the average and the statistics. An average always has statistics of its own.
        project: Function that computes compressed kernels from their masters.
    """

    def __init__(
        self, model: keras.Model, images: LabelledImages, settings: Training, project: Callable[[], None]
    ) -> None:
        decay = settings.weight_average
        self._project = project
        self.average = None if decay is None else WeightAverage(model.trainable_variables, decay)
        self._statistics = (
            None
            if decay is None and settings.batch_norm_statistics == "moving"
            else BatchNormStatistics(model, images, batch_size=settings.batch_size, seed=settings.seed)
        )
        self._estimated: list[npt.NDArray[np.float32]] | None = None

    @property
    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Callbacks that the training needs."""
        return [] if self.average is None else [FollowWeights(self.average)]

    def settle(self, *, again: bool = False) -> None:
        """Give the model its final weights.

        Args:
            again: Whether the model has not been trained since it had them, and the statistics are the same.
        """
        if self.average is not None:
            self.average.swap()
        self._project()
        if self._statistics is None:
            return
        if again and self._estimated is not None:
            self._statistics.restore(self._estimated)
        else:
            self._statistics.estimate()
            self._estimated = self._statistics.values()

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Give the model its final weights, and then its raw ones again."""
        values = None if self._statistics is None else self._statistics.values()
        self.settle()
        yield
        if self.average is not None:
            self.average.swap()
            self._project()
        if self._statistics is not None and values is not None:
            self._statistics.restore(values)
